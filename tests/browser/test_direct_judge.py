"""The client's judgement of a direct path, run in the browser that it is for, with made-up readings and a clock of its own."""

from typing import Any

from ciranda.server import Server
from tests.harness.chromium import Tab, Tabs

PRELUDE = """
  const { Judge } = await import('/static/client/direct_judge.js');
  const judge = new Judge();
  const pair = { relayed: false, rttMs: 1, received: null };
  const both = { audio: true, video: true };
  const reading = (audio, more = {}) => ({ audio, packets: audio, lost: 0, frames: 0, pair, ...more });
"""


async def judged(tab: Tab, script: str) -> Any:
    return await tab.page.evaluate(f"async () => {{ {PRELUDE} {script} }}")


async def test_what_makes_a_path_ready_and_what_ends_it(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open(server.url)
    assert await judged(
        tab,
        """return [judge.ready(reading(10, { frames: 1 }), both), judge.ready(reading(9, { frames: 1 }), both),
          judge.ready(reading(10), both), judge.ready(reading(10), { audio: true, video: false }),
          judge.ready(reading(0), { audio: false, video: false }), judge.ready(reading(10, { frames: 1, pair: null }), both),
          judge.ready(reading(10, { frames: 1, pair: { ...pair, relayed: true } }), both)];""",
    ) == [True, False, False, True, True, False, False]
    silence = """
      let audio = 0, now = 0;
      for (; now <= 1000; now += 100) { judge.direct(reading(audio += 5), now); judge.server(reading(audio), now); }
      const verdicts = [];
      for (; now <= 2000; now += 100) { judge.direct(reading(audio), now); judge.server(reading(SERVER), now);
        verdicts.push([now, judge.verdict(now, both)]); }
      return verdicts.find(([, verdict]) => verdict) ?? null;"""
    assert await judged(tab, silence.replace("SERVER", "now")) == [1400, "silence"]
    assert await judged(tab, silence.replace("SERVER", "audio")) is None, "the server's leg is silent, too"
    unseen = silence.replace("judge.server(reading(audio), now)", "").replace("SERVER", "LAST")
    assert await judged(tab, unseen.replace("LAST", "1000")) is None, (
        "what it had before nobody looked is no sign of life"
    )
    assert await judged(
        tab,
        unseen.replace(
            "judge.server(reading(LAST), now)", "judge.server([1200, 1300].includes(now) ? null : reading(now), now)"
        ),
    ) == [1600, "silence"], "growth counts from one look to the next, twice"
    returned = silence.replace(
        "judge.direct(reading(audio), now)", "judge.direct(reading(now < 1600 ? audio : now), now)"
    )
    assert await judged(tab, returned.replace("SERVER", "now < 1500 ? 0 : now")) is None, (
        "a microphone that is there again is seen on the server's leg one look earlier"
    )
    dead = """
      let bytes = 0, now = 0;
      const look = () => judge.direct(reading(0, { pair: { ...pair, received: bytes } }), now);
      for (; now <= 1000; now += 100) { bytes += 100; look(); }
      for (; now <= 9000; now += 100) { look(); if (judge.verdict(now, EXPECTED)) return [now, judge.verdict(now, EXPECTED)]; }
      return null;"""
    assert await judged(tab, dead.replace("EXPECTED", "{ audio: false, video: true }")) == [2000, "silence"]
    assert await judged(tab, dead.replace("EXPECTED", "both")) is None, "sound is what is listened to"
    assert await judged(tab, dead.replace("EXPECTED", "{ audio: false, video: false }")) is None, "nothing is to come"
    loss = """
      for (let now = 0, n = 0; now <= 6000; now += 150, n += 10) {
        judge.direct(reading(n, { lost: now > 2000 ? (n - 130) * SHARE : 0 }), now); judge.server(reading(n), now);
        if (judge.verdict(now, both)) return [now > 2000, judge.verdict(now, both)];
      } return null;"""
    assert await judged(tab, loss.replace("SHARE", "0.3")) == [True, "loss"]
    assert await judged(tab, loss.replace("SHARE", "0.1")) is None
    assert (
        await judged(
            tab, "judge.direct(reading(1, { pair: { ...pair, relayed: true } }), 0); return judge.verdict(0, both);"
        )
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


async def test_what_another_client_describes_makes_this_browser_do_no_more_than_needed(
    tabs: Tabs, server: Server
) -> None:
    """Its candidates name no host that a name server would be asked for, and no TCP port; there are no m-lines to spare."""
    tab = await tabs.open(server.url)
    good = [
        "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host generation 0 ufrag abcd network-id 1",
        "candidate:1 1 UDP 2122252543 2001:db8::1 50000 typ host",
        "candidate:1 1 udp 2122260223 ::ffff:192.0.2.1 50000 typ host",
        "candidate:1 1 udp 2113937151 0c4a7d6e-3f1b-4e8e-9d63-0fa3a2b9d7c1.local 50000 typ host",
        "candidate:2 1 udp 1686052607 192.0.2.1 50001 typ srflx raddr 0.0.0.0 rport 0",
        "candidate:3 1 udp 41885439 192.0.2.9 50002 typ relay raddr 0.0.0.0 rport 0",
    ]
    bad = [
        "candidate:1 1 tcp 1518280447 127.0.0.1 8080 typ host tcptype passive",
        "candidate:1 1 ssltcp 1518280447 192.0.2.1 443 typ host",
        "candidate:1 1 udp 2122260223 router.example.net 80 typ host",
        "candidate:1 1 udp 2122260223 router.local.example.net 80 typ host",
        "candidate:1 2 udp 2122260223 192.0.2.1 50000 typ host",
        "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ hostile",
        "candidate:1 1 udp 2122260223 192.0.2.1 50000",
        "",
    ]
    kept, ends, tried = await tab.page.evaluate(
        """async ([good, bad]) => {
          const { DirectPath, plain } = await import('/static/client/direct_path.js');
          const lines = [...good, ...bad].map((line) => `a=${line}\\r\\n`).join('');
          const ofTwo = (candidates) => `v=0\\r\\nm=audio 9 X 111\\r\\n${candidates}m=video 9 X 96\\r\\n`;
          const kept = plain(ofTwo(lines)).split('\\r\\n').filter((line) => line.startsWith('a=candidate'));
          const ends = [plain(ofTwo(`a=${good[0]}\\r\\n`.repeat(300))).split('a=candidate').length - 1];
          const others = ['m=audio 9 X 111', 'm=application 9 X 1'].map((line) => `${ofTwo('')}${line}\\r\\n`);
          for (const sdp of ['', 'v=0\\r\\nm=video 9 X 1\\r\\nm=audio 9 X 1\\r\\n', ...others]) {
            try { ends.push(plain(sdp)); } catch { ends.push('refused'); }
          }
          const tried = [];
          const path = new DirectPath([], {});
          path.connection.addIceCandidate = async ({ candidate }) => tried.push(candidate);
          for (const candidate of [...bad, ...good]) path.receive({ step: 'candidate', candidate });
          while (tried.length < good.length) await new Promise((done) => setTimeout(done, 10));
          path.close();
          return [kept, ends, tried];
        }""",
        [good, bad],
    )
    assert kept == [f"a={line}" for line in good]
    assert ends == [64, *["refused"] * 4]
    assert tried == good
    assert tab.errors == []
