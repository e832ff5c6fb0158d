"""The client's judgement of a direct path, run in the browser that it is for, with made-up readings and a clock of its own."""

from typing import Any

from ciranda.server import Server
from tests.harness.chromium import Tab, Tabs

PRELUDE = """
  const { Judge } = await import('/static/client/direct_judge.js');
  const judge = new Judge();
  const pair = { relayed: false, rttMs: 1 };
  const reading = (audio, more = {}) => ({ audio, packets: audio, lost: 0, frames: 0, pair, ...more });
"""


async def judged(tab: Tab, script: str) -> Any:
    return await tab.page.evaluate(f"async () => {{ {PRELUDE} {script} }}")


async def test_what_makes_a_path_ready_and_what_ends_it(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open(server.url)
    assert await judged(
        tab,
        """const both = { audio: true, video: true };
        return [judge.ready(reading(10, { frames: 1 }), both), judge.ready(reading(9, { frames: 1 }), both),
          judge.ready(reading(10), both), judge.ready(reading(10), { audio: true, video: false }),
          judge.ready(reading(0), { audio: false, video: false }), judge.ready(reading(10, { frames: 1, pair: null }), both),
          judge.ready(reading(10, { frames: 1, pair: { ...pair, relayed: true } }), both)];""",
    ) == [True, False, False, True, True, False, False]
    silence = """
      let audio = 0, now = 0;
      for (; now <= 1000; now += 100) { judge.direct(reading(audio += 5), now); judge.server(reading(audio), now); }
      const verdicts = [];
      for (; now <= 2000; now += 100) { judge.direct(reading(audio), now); judge.server(reading(SERVER), now);
        verdicts.push([now, judge.verdict(now)]); }
      return verdicts.find(([, verdict]) => verdict) ?? null;"""
    assert await judged(tab, silence.replace("SERVER", "now")) == [1400, "silence"]
    assert await judged(tab, silence.replace("SERVER", "audio")) is None, "the server's leg is silent, too"
    loss = """
      for (let now = 0, n = 0; now <= 6000; now += 150, n += 10) {
        judge.direct(reading(n, { lost: now > 2000 ? (n - 130) * SHARE : 0 }), now); judge.server(reading(n), now);
        if (judge.verdict(now)) return [now > 2000, judge.verdict(now)];
      } return null;"""
    assert await judged(tab, loss.replace("SHARE", "0.3")) == [True, "loss"]
    assert await judged(tab, loss.replace("SHARE", "0.1")) is None
    assert (
        await judged(tab, "judge.direct(reading(1, { pair: { ...pair, relayed: true } }), 0); return judge.verdict(0);")
        == "relay"
    )


async def test_what_another_client_sends_cannot_do_more_than_end_the_path(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open(server.url)
    nonsense = [
        {"step": "answer", "sdp": "nonsense"},
        {"step": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"},
        {"step": "offer"},
        {"step": "answer", "sdp": 7},
    ]
    for message in nonsense:
        broken = await tab.page.evaluate(
            """async (message) => {
              const { DirectPath } = await import('/static/client/direct_path.js');
              const path = new DirectPath([{ urls: 'turn:127.0.0.1:1', username: 'u', credential: 'c' }], {});
              const broken = new Promise((done) => path.addEventListener('broken', () => done(true)));
              path.receive({ step: 'candidate', candidate: 'x'.repeat(500) });
              path.receive(message);
              const result = await broken;
              path.close();
              return result;
            }""",
            message,
        )
        assert broken is True
    assert tab.errors == []
