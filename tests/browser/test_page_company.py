"""What two people in a call notice of each other, and of what happens around them: by eye, by ear and by screen reader."""

from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.signaling import Signaling
from tests.harness.stats import eventually

TIMEOUT_MS = 30_000
Pair = tuple[MeetingPage, MeetingPage]

TAB_WITH_SOUND = """() => {
  const native = MediaDevices.prototype.getDisplayMedia;
  navigator.mediaDevices.getDisplayMedia = async (wanted) => {
    navigator.mediaDevices.getDisplayMedia = native.bind(navigator.mediaDevices);
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const context = canvas.getContext('2d');
    setInterval(() => { context.fillStyle = `hsl(${Date.now() % 360} 50% 50%)`; context.fillRect(0, 0, 640, 360); }, 100);
    const audio = new AudioContext();
    const tone = new OscillatorNode(audio, { frequency: 440 });
    const out = audio.createMediaStreamDestination();
    tone.connect(out);
    tone.start();
    return new MediaStream([...canvas.captureStream(10).getVideoTracks(), ...(wanted.audio ? out.stream.getAudioTracks() : [])]);
  };
}"""
PATHS = """async () => {
  const { Statistics } = await import('/static/client/stats.js');
  const { pathText } = await import('/static/call/details.js');
  const common = { timestamp: 1, ip: '192.0.2.1', port: 9 };
  const chromium = (local, remote = { candidateType: 'host', protocol: 'udp' }) => [
    { id: 'T01', type: 'transport', selectedCandidatePairId: 'CP1', srtpCipher: 'AEAD_AES_128_GCM', dtlsState: 'connected' },
    { id: 'CP0', type: 'candidate-pair', localCandidateId: 'I0', remoteCandidateId: 'I2', nominated: false, state: 'failed' },
    { id: 'CP1', type: 'candidate-pair', localCandidateId: 'I1', remoteCandidateId: 'I2', nominated: true, state: 'succeeded',
      currentRoundTripTime: 0.004, availableOutgoingBitrate: 300000 },
    { id: 'I0', type: 'local-candidate', ...common, candidateType: 'host', protocol: 'udp' },
    { id: 'I1', type: 'local-candidate', ...common, ...local },
    { id: 'I2', type: 'remote-candidate', ...common, ...remote },
  ];
  const firefox = (local) => [
    { id: 'p', type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r', selected: true, state: 'succeeded' },
    { id: 'l', type: 'local-candidate', address: '192.0.2.1', port: 9, ...local },
    { id: 'r', type: 'remote-candidate', address: '192.0.2.2', port: 3478, candidateType: 'host', protocol: 'udp' },
  ];
  const connection = (entries) => entries && { getStats: async () => new Map(entries.map((entry) => [entry.id, entry])) };
  const host = chromium({ candidateType: 'host', protocol: 'udp' });
  const cases = [
    [host],
    [chromium({ candidateType: 'prflx', protocol: 'tcp', tcpType: 'active' }, { candidateType: 'host', protocol: 'tcp' })],
    [chromium({ candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls', url: 'turns:turn.example.net:443?transport=tcp' })],
    [host, host],
    [host, chromium({ candidateType: 'host', protocol: 'udp' }, { candidateType: 'relay', protocol: 'udp' })],
    [firefox({ candidateType: 'srflx', protocol: 'udp' })],
  ];
  const paths = cases.map(([server, direct]) => new Statistics().summarise(connection(server), [], [], connection(direct)));
  return (await Promise.all(paths)).map(({ path }) => pathText(path));
}"""
"""What the overlay says of paths in the shapes that browsers' getStats have: UDP, TCP, relay; direct; and Firefox."""
LONGEST_MOTION = """() => Math.max(...[...document.querySelectorAll('*')].flatMap((element) => {
  const { transitionDuration, animationDuration } = getComputedStyle(element);
  return `${transitionDuration},${animationDuration}`.split(',').map(parseFloat);
}))"""


async def test_whoever_speaks_is_marked(pair: Pair) -> None:
    """The fake microphone beeps every second."""
    ana, _ = pair
    await ana.page.locator('li.tile.speaking[aria-label="Bo"]').wait_for(timeout=TIMEOUT_MS)


async def test_hands_have_their_order(pair: Pair) -> None:
    ana, bo = pair
    await bo.press("hand")
    await ana.tile("Bo").get_by_role("img", name="Raised hand").wait_for(timeout=TIMEOUT_MS)
    await ana.press("hand")
    for person in (ana, bo):
        for number, name in enumerate(("Bo", "Ana"), start=1):
            caption = f"{name} (you)" if person.name == name else name
            mark = person.tile(caption).get_by_role("img", name=f"Raised hand, number {number}", exact=True)
            await mark.wait_for(timeout=TIMEOUT_MS)
    await ana.press("people")
    assert await ana.page.locator(".person-name").all_inner_texts() == ["Bo", "Ana (you)"]
    await bo.press("hand")
    await ana.tile("Ana (you)").get_by_role("img", name="Raised hand", exact=True).wait_for(timeout=TIMEOUT_MS)
    await ana.press("hand")
    await ana.page.keyboard.press("Escape")


async def test_what_comes_while_the_chat_is_closed_is_shown_and_counted(pair: Pair) -> None:
    ana, bo = pair
    await bo.page.wait_for_function("() => ciranda.chatOpen")
    await bo.press("chat")
    for number, text in enumerate(("first", "<i>second</i>"), start=1):
        await bo.say(text)
        await ana.page.locator(".toast", has_text=f"Bo: {text}").wait_for(timeout=TIMEOUT_MS)
        await ana.page.get_by_role("button", name=f"Chat, {number} unread").wait_for()
    await ana.press("chat")
    await ana.wait_for_message("Bo", "<i>second</i>")
    await ana.page.get_by_role("button", name="Chat", exact=True).wait_for()
    for person in (ana, bo):
        await person.page.keyboard.press("Escape")


async def test_who_comes_goes_and_raises_a_hand_is_said_to_screen_readers(pair: Pair) -> None:
    ana, _ = pair
    live = ana.page.locator('#toasts[role="log"][aria-live="polite"]')
    url = await ana.page.evaluate("() => location.origin")
    async with Signaling(url, "pair") as cy:
        await cy.join("Cy")
        await live.filter(has_text="Cy joined").wait_for(timeout=TIMEOUT_MS)
        await cy.send({"type": "hand", "raised": True})
        await live.filter(has_text="Cy raised a hand").wait_for(timeout=TIMEOUT_MS)
        await cy.leave()
        await live.filter(has_text="Cy left").wait_for(timeout=TIMEOUT_MS)
    await ana.wait_for_tiles("Ana (you)", "Bo")


async def test_names_of_any_kind_are_text(pair: Pair) -> None:
    """HTML is not read, invisible and turning characters are gone, long names are cut off where their tile ends."""
    ana, _ = pair
    url = await ana.page.evaluate("() => location.origin")
    said = {
        "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
        "\u202eevil\u200b": "evil",
        "W" * 64: "W" * 64,
        "دنا": "دنا",
        "\u200b\u2060": "Guest",
    }
    for name, shown in said.items():
        async with Signaling(url, "pair") as guest:
            await guest.join(name)
            tile = ana.tile(shown)
            await tile.wait_for(timeout=TIMEOUT_MS)
            inside = await tile.evaluate(
                "(tile) => tile.querySelector('.tile-label').getBoundingClientRect().right <= tile.getBoundingClientRect().right"
                " && !tile.querySelector('img')"
            )
            assert inside, name
            await guest.leave()
            await tile.wait_for(state="detached")


async def test_a_tab_is_shared_with_its_sound(pair: Pair) -> None:
    ana, bo = pair
    await ana.page.evaluate(TAB_WITH_SOUND)
    await ana.press("share")
    await bo.tile("Screen of Ana", playing=True).wait_for(timeout=TIMEOUT_MS)

    async def heard() -> bool:
        mid: str | None = await bo.page.evaluate(
            """() => {
              const tracks = [...ciranda.participants.values()].flatMap(({ tracks }) => [...tracks.values()]);
              const { id } = tracks.find(({ source }) => source === 'screen_audio') ?? {};
              return ciranda.slots().find(({ track }) => id && track === id)?.mid ?? null;
            }"""
        )
        return mid is not None and (await bo.sample()).inbound("audio").get(mid, {}).get("totalAudioEnergy", 0) > 0.01

    await eventually(heard, within_s=20, what="Bo hears what plays in the tab")
    await ana.press("share")
    await bo.wait_for_tiles("Bo (you)", "Ana")


async def test_another_microphone_and_another_speaker_are_chosen_in_the_call(pair: Pair) -> None:
    ana, bo = pair
    await ana.choose("Settings")
    label = "() => ciranda.published.get('microphone').track.label"
    before = await ana.page.evaluate(label)
    select = ana.page.locator("#device-microphone")
    other = next(text for text in await select.locator("option").all_inner_texts() if text != before)
    await select.select_option(label=other)
    await ana.page.wait_for_function(f"(other) => ({label})() === other", arg=other)
    energy = sum(s["totalAudioEnergy"] for s in (await bo.sample()).inbound("audio").values())

    async def heard() -> bool:
        return bool(sum(s["totalAudioEnergy"] for s in (await bo.sample()).inbound("audio").values()) > energy + 1e-4)

    await eventually(heard, within_s=15, what="Bo hears the other microphone")
    speaker = ana.page.locator("#device-speaker option").last
    await ana.page.select_option("#device-speaker", value=await speaker.get_attribute("value"))
    await ana.page.wait_for_function(
        "(id) => [...document.querySelectorAll('audio')].every(({ sinkId }) => sinkId === id)",
        arg=await speaker.get_attribute("value"),
    )
    await ana.page.keyboard.press("Escape")


async def test_the_whole_screen_is_taken_and_given_back(pair: Pair) -> None:
    ana, _ = pair
    await ana.choose("Full screen")
    await ana.page.wait_for_function("() => document.fullscreenElement === document.documentElement")
    await ana.choose("Leave full screen")
    await ana.page.wait_for_function("() => document.fullscreenElement === null")


async def test_who_wants_no_motion_sees_none(pair: Pair) -> None:
    ana, bo = pair
    assert await ana.page.evaluate(LONGEST_MOTION) > 0.05
    await ana.page.emulate_media(reduced_motion="reduce")
    await bo.press("react")
    await bo.page.get_by_role("button", name="heart").click()
    await bo.page.keyboard.press("Escape")
    await ana.page.locator(".float", has_text="Bo").wait_for(timeout=TIMEOUT_MS)
    assert await ana.page.evaluate(LONGEST_MOTION) <= 0.05
    await ana.page.emulate_media(reduced_motion="no-preference")


async def test_the_figures_name_the_path_the_codec_and_the_picture(pair: Pair) -> None:
    ana, _ = pair
    await ana.choose("Connection details")
    row = ana.page.locator(".stats tr")
    await row.filter(has_text="over the server · UDP").filter(has_text="GCM").wait_for(timeout=TIMEOUT_MS)
    await row.filter(has_text="Round trip").filter(has_text=" ms").wait_for()
    await ana.page.wait_for_function(
        r"""() => [...document.querySelectorAll('.stats tr')].some(({ innerText }) =>
          /Bo\s+VP\d · \d+.\d+ · \d+\/s · [\d.]+ [kM]bit\/s · jitter \d+ ms/.test(innerText))""",
        timeout=TIMEOUT_MS,
    )
    described = await ana.page.evaluate(
        """async () => (await import('/static/call/details.js')).describe(
          { codec: 'AV1', kbps: 1234, width: 1280, height: 720, fps: 30, lossPercent: 2.54, jitterMs: 4 })"""
    )
    assert described == "AV1 · 1280\u00d7720 · 30/s · 1.2 Mbit/s · jitter 4 ms · 2.5 % lost"
    assert await ana.page.evaluate(PATHS) == [
        "over the server · UDP",
        "over the server · TCP",
        "over the server · relay (TURN)",
        "direct · UDP",
        "direct · relay (TURN)",
        "over the server · UDP",
    ]
    await ana.page.keyboard.press("Escape")


async def test_a_first_tap_shows_the_buttons_of_a_tile_and_the_next_one_presses(pair: Pair, tabs: Tabs) -> None:
    ana, _ = pair
    url = await ana.page.evaluate("() => location.origin")
    cy = await MeetingPage.join(tabs, url, "pair", "Cy", has_touch=True, viewport={"width": 390, "height": 844})
    await cy.wait_for_tiles("Cy (you)", "Ana", "Bo")
    await cy.page.mouse.move(1, 1)  # the mouse that pressed the button to join hovers over nobody
    pin = cy.tile("Bo").get_by_role("button", name="Pin Bo")
    for pinned in ("false", "true"):
        assert await pin.get_attribute("aria-pressed") == "false"
        box = await pin.bounding_box()
        await cy.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await cy.page.wait_for_function(
            """() => getComputedStyle(document.querySelector('li.tile[aria-label="Bo"] [aria-pressed]')).opacity === '1'"""
        )
        found = cy.tile("Bo").locator(f'[aria-pressed="{pinned}"]')
        await found.wait_for()
    await cy.leave()
    await ana.wait_for_tiles("Ana (you)", "Bo")
