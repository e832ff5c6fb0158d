"""How a call looks: layouts, a small window on top, sound alone, bars on the tiles, switches that the devices really take on."""

from tests.harness.meeting_page import MeetingPage
from tests.harness.stats import eventually

TIMEOUT_MS = 30_000
AREA = """(caption) => {
  const { width, height } = document.querySelector(`li.tile[aria-label="${caption}"]`).getBoundingClientRect();
  return width * height;
}"""

COVERED = """([what, below]) => {
  const boxes = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility())
    .map((one) => [one.textContent, one.getBoundingClientRect()]);
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  const covering = boxes(what);
  if (!covering.length || !boxes(below).length) throw new Error('nothing to compare');
  return boxes(below).flatMap(([text, box]) =>
    covering.filter(([, over]) => !apart(over, box)).map(([over]) => `${over} / ${text}`));
}"""
"""Whatever of the second selector lies under something of the first."""


async def test_three_layouts_and_the_choice_is_kept(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, _ = pair
    page = ana.page
    assert await page.evaluate(AREA, "Ana (you)") == await page.evaluate(AREA, "Bo")
    for layout, least in (("Speaker", 10), ("Sidebar", 4)):
        await ana.choose(layout)
        await page.wait_for_function(f"(least) => ({AREA})('Bo') > least * ({AREA})('Ana (you)')", arg=least)
    assert await page.evaluate("JSON.parse(localStorage.getItem('ciranda.settings')).layout") == "sidebar"
    await ana.choose("Grid")
    await page.wait_for_function(f"() => ({AREA})('Bo') === ({AREA})('Ana (you)')")


async def test_who_speaks_changes_places_with_who_spoke_and_nobody_else_moves(
    pair: tuple[MeetingPage, MeetingPage],
) -> None:
    ana, _ = pair
    orders = await ana.page.evaluate(
        """async () => {
          const { Strip } = await import('/static/call/strip.js');
          const strip = new Strip();
          const all = ['me', 'bo', 'cy', 'di'];
          return [[all, 'bo'], [all, 'di'], [all.concat('ed'), 'di'], [['me', 'cy', 'di', 'ed'], 'di'], [all, null]]
            .map(([keys, large]) => strip.arrange(keys, large).join(' '));
        }"""
    )
    assert orders == ["bo me cy di", "di me cy bo", "di me cy bo ed", "di me cy ed", "me bo cy di"]


async def test_a_reaction_is_seen_on_the_tile_and_told_to_screen_readers(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, bo = pair
    await ana.page.wait_for_function("() => ciranda.chatOpen")
    await ana.press("react")
    await ana.page.get_by_role("button", name="applause").click()
    await bo.tile("Ana").locator('.tile-reaction use[href$="#clap"]').wait_for(timeout=TIMEOUT_MS)
    await bo.page.locator(".float", has_text="Ana").wait_for()
    await bo.page.wait_for_function(
        "() => document.querySelector('#announcer').textContent === 'Ana reacted: applause'"
    )
    await ana.page.keyboard.press("Escape")
    await bo.page.locator(".float").wait_for(state="detached", timeout=TIMEOUT_MS)


async def test_every_tile_tells_how_good_the_connection_is(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, _ = pair
    for caption in ("Ana (you)", "Bo"):
        await ana.tile(caption).get_by_role("img", name="Connection: ").wait_for(timeout=TIMEOUT_MS)
    grades = await ana.page.evaluate(
        """async () => {
          const { Quality } = await import('/static/client/quality.js');
          const quality = new Quality();
          const at = (packets, lost, more = {}) => ({ path: { rttMs: 20 }, sent: [{ lossPercent: 0 }],
            received: [{ track: 't', participant: 'bo', packets, lost, freezeCount: 0, jitterMs: 5, ...more }] });
          return [at(100, 0), at(200, 0), at(300, 4), at(380, 24), at(480, 24, { jitterMs: 60 }), at(480, 24),
            { ...at(580, 24), path: { rttMs: 900 } }]
            .map((stats) => { const levels = quality.grade(stats, 'me'); return [levels.get('me'), levels.get('bo') ?? 0]; });
        }"""
    )
    assert grades == [[3, 0], [3, 3], [3, 2], [3, 1], [3, 2], [3, 0], [1, 3]]


async def test_without_video_nothing_but_sound_is_downloaded_or_sent_also_after_a_reload(
    pair: tuple[MeetingPage, MeetingPage],
) -> None:
    ana, bo = pair

    async def video_bytes() -> tuple[int, int]:
        sample = await ana.sample()
        came = sum(s["bytesReceived"] for s in sample.inbound("video").values())
        frames = [s for s in sample.stats if s["type"] == "outbound-rtp" and s["kind"] == "video"]
        return came, sum(s["bytesSent"] for s in frames)

    await ana.choose("Audio only")
    await ana.page.locator(".banner", has_text="Only sound").wait_for()
    await ana.page.locator('li.tile[aria-label="Bo"]:not(.playing)').wait_for(timeout=TIMEOUT_MS)
    await bo.page.locator('li.tile[aria-label="Ana"]:not(.playing)').wait_for(timeout=TIMEOUT_MS)
    assert [slot["kind"] for slot in await ana.slots()] == ["audio"]
    assert await ana.page.locator('[data-control="camera"]').is_disabled()

    async def heard() -> int:
        return sum(s["packetsReceived"] for s in (await ana.sample()).inbound("audio").values())

    async def only_sound_for_two_seconds() -> bool:
        video, packets = await video_bytes(), await heard()

        async def sound() -> bool:
            return await heard() > packets + 100

        await eventually(sound, within_s=15, what="two seconds of sound")
        return await video_bytes() == video

    # libwebrtc pads for the next simulcast layer until its encoder saw no frame for two seconds
    await eventually(only_sound_for_two_seconds, within_s=15, what="nothing but sound goes and comes")
    await ana.page.reload()
    await ana.page.locator(".banner", has_text="Only sound").wait_for(timeout=TIMEOUT_MS)
    await ana.wait_for_slots(audio=1, video=0)
    await ana.page.locator(".banner").get_by_role("button", name="Show video again").click()
    await ana.wait_for_pictures("Bo")
    await bo.wait_for_pictures("Ana")


async def covers_nothing(person: MeetingPage, what: str, below: str) -> None:
    """Once everything lies where the window's new size has it."""

    async def nothing() -> bool:
        return bool(await person.page.evaluate(COVERED, [what, below]) == [])

    await eventually(nothing, within_s=10, what=f"{what} covers none of {below}")


async def test_notices_cover_no_name_and_no_way_out_of_a_panel(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, _ = pair
    for width, height in ((390, 844), (844, 390), (1024, 768)):
        await ana.page.set_viewport_size({"width": width, "height": height})
        await ana.page.evaluate(
            """async () => { const { notify, warn } = await import('/static/ui/toast.js');
              notify('Bo: a line that is long enough to need two on a phone, and a little more'); warn('Something failed'); }"""
        )
        await covers_nothing(ana, ".toast", ".tile-label")
        await ana.press("chat")
        await covers_nothing(ana, ".toast", ".panel-head, .chat-form")
        await ana.page.keyboard.press("Escape")
        await ana.page.evaluate("async () => (await import('/static/ui/toast.js')).clearToasts()")
    await ana.page.set_viewport_size({"width": 1280, "height": 720})


async def test_a_small_window_shows_the_other_and_has_buttons(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, bo = pair
    await ana.choose("Picture in picture")
    small = "() => documentPictureInPicture.window.document"
    await ana.page.wait_for_function(
        f"() => ({small})().querySelector('.tile.playing[aria-label=\"Bo\"] video')?.videoWidth > 0", timeout=TIMEOUT_MS
    )
    await ana.page.evaluate(f"({small})().querySelector('.pip-bar button').click()")
    await bo.tile("Ana").get_by_role("img", name="Microphone off").wait_for(timeout=TIMEOUT_MS)
    await ana.page.wait_for_function(
        f"({small})().querySelector('.pip-bar button').getAttribute('aria-label') === 'Unmute microphone'"
    )
    await ana.page.evaluate(f"({small})().querySelector('.pip-bar button').click()")
    await bo.tile("Ana").get_by_role("img", name="Microphone off").wait_for(state="hidden", timeout=TIMEOUT_MS)
    await ana.choose("Close picture in picture")
    await ana.page.wait_for_function("() => !documentPictureInPicture.window")


async def test_browsers_without_such_a_window_show_the_picture_alone(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, _ = pair
    await ana.page.evaluate(
        "() => { globalThis.lent = documentPictureInPicture; delete globalThis.documentPictureInPicture; }"
    )
    await ana.choose("Picture in picture")
    await ana.page.wait_for_function(
        "() => document.pictureInPictureElement?.closest('li').getAttribute('aria-label') === 'Bo'", timeout=TIMEOUT_MS
    )
    await ana.choose("Close picture in picture")
    await ana.page.wait_for_function("() => !document.pictureInPictureElement")
    await ana.page.evaluate("() => { globalThis.documentPictureInPicture = lent; }")


async def test_menus_give_the_focus_back(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, _ = pair
    focused = "() => document.activeElement.dataset.control ?? document.activeElement.dataset.layout ?? ''"
    await ana.page.locator('[data-control="more"]').press("Enter")
    await ana.page.locator('[data-layout="grid"]').focus()
    await ana.page.keyboard.press("ArrowRight")
    assert await ana.page.evaluate(focused) == "speaker"
    await ana.page.keyboard.press("Escape")
    assert await ana.page.evaluate(focused) == "more"
    await ana.press("people")
    button = ana.page.locator(".person", has_text="Bo").get_by_role("button")
    await button.press("Enter")
    await ana.page.locator(".orders .menu-item").first.wait_for()
    assert await ana.page.evaluate("() => document.activeElement.textContent") == "Write privately"
    await ana.page.keyboard.press("Escape")
    assert await button.evaluate("(element) => element === document.activeElement")
    await ana.page.keyboard.press("Escape")
    await ana.page.locator(".panel").wait_for(state="hidden")
    assert await ana.page.evaluate(focused) == "people"


async def test_figures_lie_on_the_tiles_while_their_panel_is_open(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, _ = pair
    await ana.choose("Connection details")
    await ana.tile("Bo").locator(".tile-details", has_text="jitter").wait_for(timeout=TIMEOUT_MS)
    await ana.tile("Ana (you)").locator(".tile-details", has_text="UDP").wait_for(timeout=TIMEOUT_MS)
    await ana.page.keyboard.press("Escape")
    await ana.page.locator(".tile-details:visible").wait_for(state="detached")


async def test_switches_change_the_microphone_and_the_mirror(pair: tuple[MeetingPage, MeetingPage]) -> None:
    ana, bo = pair
    await ana.choose("Settings")
    processing = """() => {
      const { noiseSuppression, echoCancellation } = ciranda.published.get('microphone').track.getSettings();
      return [noiseSuppression, echoCancellation].join();
    }"""
    for name, expected in (
        ("Noise suppression", "false,true"),
        ("Echo cancellation", "false,false"),
        ("Noise suppression", "true,false"),
    ):
        await ana.page.get_by_role("switch", name=name).click()
        await ana.page.wait_for_function(f"() => ({processing})() === '{expected}'", timeout=TIMEOUT_MS)
    heard = sum(s["totalAudioEnergy"] for s in (await bo.sample()).inbound("audio").values())

    async def louder() -> bool:
        return bool(sum(s["totalAudioEnergy"] for s in (await bo.sample()).inbound("audio").values()) > heard)

    await eventually(louder, within_s=15, what="Bo hears the microphone with its new switches")
    assert await ana.page.get_by_role("switch", name="Blur what is behind me").count() == 0, "this camera cannot"
    assert await ana.page.locator("li.tile.self.mirrored").count() == 1
    await ana.page.get_by_role("switch", name="Mirror my own picture").click()
    await ana.page.locator("li.tile.self:not(.mirrored)").wait_for()
    await ana.page.keyboard.press("Escape")
