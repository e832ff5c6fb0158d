"""Every view fits every screen, from a phone on its side to 4K and a page at 400 %; and what is on it stays where it is.

Server, network and devices are stood in for (scripts/screenshots/stand_in.js): this is about layout alone.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from ciranda.server import Server
from scripts.screenshots.views import STATE, VIEWS, View, joined, people, show

SHAPES = {
    "a phone": (390, 844),
    "a phone on its side": (844, 390),
    "a tablet": (820, 1180),
    "a small laptop": (1024, 768),
    "4K": (3840, 2160),
    "1280x1024 at 400 % (WCAG 1.4.10)": (320, 256),
}
LARGE_LETTERS = {"a phone": (390, 844), "a phone on its side": (844, 390), "a laptop": (1280, 720)}
ALWAYS = {"grid-5", "screen", "door", "lobby-denied"}
"""Looked at in every run; the other views by `make quality`."""
LEAST_COVER = 0.5
"""Of the stage, by tiles."""

FAULTS = """(least) => {
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const name = (one) => one.getAttribute('aria-label') || one.textContent.trim().slice(0, 30) || one.className;
  const box = (one) => one.getBoundingClientRect();
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
  const out = ({ left, top, right, bottom }) => left < -1 || top < -1 || right > innerWidth + 1 || bottom > innerHeight + 1;
  const faults = [];
  const { scrollWidth, scrollHeight } = document.scrollingElement;
  if (scrollWidth > innerWidth) faults.push(`scrolls sideways: ${scrollWidth}`);
  const call = document.querySelector('.call');
  if (!call) {
    const cut = seen('button, input, select, a[href]').filter((one) => box(one).left < 0 || box(one).right > innerWidth)
      .filter((one) => !one.closest('.status-table')); // which scrolls by itself
    return [...faults, ...cut.map((one) => `cut off: ${name(one)}`)];
  }
  if (scrollHeight > innerHeight) faults.push('the call scrolls');
  const panel = seen('.panel')[0];
  const covers = panel && getComputedStyle(panel).position === 'fixed';
  const tiles = seen('li.tile');
  const flat = tiles.filter((one) => !one.classList.contains('above'));
  flat.forEach((one, index) => flat.slice(index + 1).filter((other) => !apart(box(one), box(other)))
    .forEach((other) => faults.push(`${name(one)} overlaps ${name(other)}`)));
  const [bar] = seen('.bar');
  for (const one of tiles) {
    if (out(box(one))) faults.push(`${name(one)} leaves the window`);
    if (!apart(box(one), box(bar))) faults.push(`${name(one)} lies on the bar`);
    if (panel && !covers && !apart(box(one), box(panel))) faults.push(`${name(one)} lies under the panel`);
    const [label] = one.querySelectorAll('.tile-label');
    if (label && box(label).right > box(one).right) faults.push(`the name of ${name(one)} is cut off`);
  }
  const open = document.querySelector('dialog[open], [popover]:popover-open');
  const within = open ?? (covers ? panel : bar);
  for (const one of within.querySelectorAll('button, textarea, input, select')) {
    if (!one.checkVisibility() || one.disabled) continue;
    if (within !== bar) one.scrollIntoView({ block: 'nearest' });
    const { left, top, width, height } = box(one);
    if (out(box(one))) faults.push(`${name(one)} leaves the window`);
    else if (!one.contains(document.elementFromPoint(left + width / 2, top + height / 2))) faults.push(`${name(one)} is covered`);
  }
  const area = ({ width, height }) => width * height;
  const covered = flat.reduce((sum, one) => sum + area(box(one)), 0) / area(box(document.querySelector('.tiles')));
  if (!covers && !seen('.alone').length && covered < least) faults.push(`tiles fill ${covered.toFixed(2)} of the stage`);
  return faults;
}"""

PLACES = """(selector) => Object.fromEntries([...document.querySelectorAll(selector)]
  .filter((one) => one.checkVisibility()).map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    const name = one.dataset.control || one.id || one.getAttribute('aria-label') || one.className;
    return [name, [x, y, width, height].map(Math.round).join()];
  }))"""
"""Where what the selector finds is, by name."""
TILES = "li.tile"
BAR = ".bar .control"
LOBBY = ".preview, .preview-controls button, .devices, .lobby-form > *"

Places = dict[str, str]
Do = Callable[[Page], Awaitable[object]]


def some(always: set[str]) -> list[object]:
    return [pytest.param(one, id=one.name, marks=[] if one.name in always else [pytest.mark.slow]) for one in VIEWS]


def view(name: str) -> View:
    return next(one for one in VIEWS if one.name == name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def still(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """Pages of somebody who wants no motion: everything is in its place at once."""
    context = await chromium.new_context(reduced_motion="reduce")
    yield context
    await context.close()


@contextlib.asynccontextmanager
async def opened(context: BrowserContext, house: Server, what: View) -> AsyncIterator[Page]:
    """The view in a page that leaves nothing behind."""
    page = await context.new_page()
    try:
        await show(what, page, house.url)
        yield page
    finally:
        await page.evaluate("localStorage.clear()")
        await page.close()


async def resized(page: Page, width: int, height: int) -> None:
    """Returns when the page has been laid out anew, tiles included."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.parametrize("which", some(ALWAYS))
async def test_every_view_fits_every_screen(still: BrowserContext, house: Server, which: View) -> None:
    async with opened(still, house, which) as page:
        for name, (width, height) in SHAPES.items():
            await resized(page, width, height)
            assert await page.evaluate(FAULTS, LEAST_COVER) == [], name
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        for name, (width, height) in LARGE_LETTERS.items():
            await resized(page, width, height)
            assert await page.evaluate(FAULTS, LEAST_COVER) == [], f"letters twice as large on {name}"


def say(**message: object) -> Do:
    """The server says this."""
    return lambda page: page.evaluate("(message) => standInSay(message)", message)


def press(control: str) -> Do:
    return lambda page: page.locator(f'[data-control="{control}"]').click()


async def settled(page: Page) -> None:
    """What was said has been drawn."""
    await page.evaluate("() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 30))")


CALM: dict[str, Do] = {
    "somebody else speaks": say(type="speakers", participants=["p_2"]),
    "nobody speaks": say(type="speakers", participants=[]),
    "somebody mutes": say(
        type="track_changed",
        participant="p_0",
        track={"id": "p_0_mic", "kind": "audio", "source": "microphone", "muted": True},
    ),
    "a camera goes off": say(
        type="track_changed",
        participant="p_0",
        track={"id": "p_0_cam", "kind": "video", "source": "camera", "muted": True},
    ),
    "a hand goes up": say(
        type="participant_changed", participant={"id": "p_1", "name": "Chiara Rossi", "tracks": [], "hand": 1}
    ),
    "somebody reacts": lambda page: page.evaluate(
        "() => standInReaction({ from: 'p_0', name: 'Bruno Alves', text: '👏', at_ms: 0 })"
    ),
    "a message comes": lambda page: page.evaluate(
        "() => standInChat({ from: 'p_0', name: 'Bruno Alves', text: 'Good morning', at_ms: Date.now() })"
    ),
    "somebody waits at the door": say(type="waiting_list", waiting=[{"id": "w", "name": "Uma", "since": 0, "removed": False}]),
    "something fails": lambda page: page.evaluate(
        "async () => (await import('/static/ui/toast.js')).warn('The camera was disconnected.')"
    ),
    "one's microphone goes off": press("microphone"),
    "one's camera goes off": press("camera"),
    "the meeting is locked": say(type="room", state={**STATE, "locked": True}),
}  # fmt: skip
"""What happens in a meeting and moves nothing."""


async def places(page: Page, selector: str) -> Places:
    found: Places = await page.evaluate(PLACES, selector)
    assert len(found) > 3
    return found


@pytest.mark.parametrize("size", [(1280, 720), pytest.param((390, 844), marks=pytest.mark.slow)])
async def test_nothing_moves_that_does_not_have_to(still: BrowserContext, house: Server, size: tuple[int, int]) -> None:
    host = View("host", scenario={"people": people(4), "admin": True, "speaker": 0}, steps=(joined,))
    async with opened(still, house, host) as page:
        await resized(page, *size)
        await page.locator(".tile.playing").nth(2).wait_for()
        tiles, bar = await places(page, TILES), await places(page, BAR)
        for name, happens in CALM.items():
            await happens(page)
            await settled(page)
            assert await places(page, TILES) == tiles, name
            assert await places(page, BAR) == bar, name
        await press("chat")(page)
        await settled(page)
        phone = size[0] < size[1]
        assert (await places(page, TILES) == tiles) is phone, "tiles make room; those of a phone lie under the panel"
        assert await places(page, BAR) == bar
        await page.keyboard.press("Escape")
        await settled(page)
        assert await places(page, TILES) == tiles, "the chat is closed"


async def test_the_lobby_stays_where_it_is_while_somebody_uses_it(still: BrowserContext, house: Server) -> None:
    async with opened(still, house, view("lobby")) as page:
        await page.locator(".preview video:visible").wait_for()
        await page.locator("#device-speaker:visible").wait_for()
        before = await places(page, LOBBY)
        await page.locator(".lobby-form .primary").click()
        await page.get_by_text("Please enter your name.").wait_for()
        assert await places(page, LOBBY) == before
        await page.fill("#name", "Ana")
        for button in ("Mute microphone", "Turn camera off"):
            await page.get_by_role("button", name=button).click()
        await page.get_by_text("Your camera is off").wait_for()
        after = await places(page, LOBBY)
        assert sorted(after.values()) == sorted(before.values()), "their names have changed"


@pytest.mark.slow
async def test_who_speaks_changes_places_with_who_spoke_and_the_others_stay(
    still: BrowserContext, house: Server
) -> None:
    async with opened(still, house, view("sidebar")) as page:
        before = await places(page, TILES)
        await say(type="speakers", participants=["p_3"])(page)
        large = "(name) => document.querySelector(`li.tile[aria-label='${name}']`).clientWidth > innerWidth / 2"
        await page.wait_for_function(large, arg="Emeka Obi")
        after = await places(page, TILES)
        assert {name for name, place in before.items() if after[name] != place} == {"Chiara Rossi", "Emeka Obi"}
        assert (after["Emeka Obi"], after["Chiara Rossi"]) == (before["Chiara Rossi"], before["Emeka Obi"])
