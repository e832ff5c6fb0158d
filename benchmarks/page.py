"""`page`: what a person waits for in the browser: the first paint, being connected after the click on join, somebody's picture.

Chromium on loopback; for the joins one other person sends from the same browser. Times are the page's own clock: the click's event,
the peer connection's state, the first frame that a remote <video> presents. It fails when a median is over its aim.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.progress import Progress
from benchmarks.target import TargetError, add_target_arguments, opened

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Several pages are open at once and only one can be in front: none may be slowed down for being behind.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)
ROOM = "bench-waits"
DIRECT_OFF = ("--no-direct-calls",)
"""The way through the server is measured."""
WATCH = Path(__file__).parent / "page_watch.js"
TYPING_MS = 250
"""A key: nobody clicks on join at once."""
TIMEOUT_MS = 20_000
LIMITS_MS = {"first paint": 300.0, "click to connected": 500.0, "connected to first frame": 700.0}
"""What a person should wait at most, at the median."""


class Waits:
    """Milliseconds, one a run."""

    def __init__(self) -> None:
        self.runs_ms: dict[str, list[float]] = {}

    def add(self, name: str, value_ms: float) -> None:
        self.runs_ms.setdefault(name, []).append(round(value_ms, 1))

    def found(self) -> dict[str, Any]:
        late = [
            f"{name}: {statistics.median(self.runs_ms[name]):.0f} ms at the median, {limit_ms:.0f} are the aim"
            for name, limit_ms in LIMITS_MS.items()
            if statistics.median(self.runs_ms[name]) > limit_ms
        ]
        return {"runs_ms": self.runs_ms, "limits_ms": LIMITS_MS, "failures": late}


async def paint(context: BrowserContext, url: str, name: str, waits: Waits) -> Page:
    """Opens a page and notes when it painted what."""
    page = await context.new_page()
    await page.goto(url)
    await page.locator("main").wait_for()
    await page.wait_for_function("() => watched.largest > 0 && watched.first > 0", timeout=TIMEOUT_MS)
    times: dict[str, Any] = await page.evaluate("() => watched")
    waits.add(f"{name}first paint", times["first"])
    waits.add(f"{name}view shown", times["view"])
    return page


async def join(page: Page, name: str) -> None:
    await page.wait_for_function("() => document.querySelector('.preview video')?.videoWidth > 0", timeout=TIMEOUT_MS)
    await page.locator("#name").press_sequentially(name, delay=TYPING_MS)
    await page.click("button[type=submit]")
    await page.wait_for_function("() => watched.connected > 0", timeout=TIMEOUT_MS)


async def paints(browser: Browser, url: str, waits: Waits) -> None:
    """A newcomer with an empty cache, then the same with a warm one."""
    context = await browser.new_context()
    try:
        await context.add_init_script(path=WATCH)
        for name in ("", "again: "):
            await (await paint(context, url, name, waits)).close()
    finally:
        await context.close()


async def joining(browser: Browser, url: str, waits: Waits, steps: Progress | None) -> None:
    """A newcomer joins, and leaves again."""
    context = await browser.new_context()
    try:
        await context.add_init_script(path=WATCH)
        page = await context.new_page()
        await page.goto(url)
        await join(page, "Bruno")
        await page.wait_for_function("() => watched.frame > 0", timeout=TIMEOUT_MS)
        times: dict[str, Any] = await page.evaluate("() => watched")
        waits.add("click to welcome", times["welcome"] - times["click"])
        waits.add("click to connected", times["connected"] - times["click"])
        waits.add("connected to first frame", times["frame"] - times["connected"])
        waits.add("click to first frame", times["frame"] - times["click"])
        if steps is not None:
            noted: list[tuple[str, float]] = await page.evaluate("() => watched.steps")
            steps.say("; ".join(f"{what} {at - times['click']:.0f}" for what, at in noted if at > times["click"]))
        await page.click("button.leave")
        await page.locator(".end").wait_for()
    finally:
        await context.close()


async def measure(browser: Browser, url: str, options: argparse.Namespace, progress: Progress) -> Waits:
    waits = Waits()
    for run in range(options.runs):
        progress.show("painting", run / options.runs)
        await paints(browser, url, waits)
    # Drawn small: without a graphics card every pixel of this other window costs what is being measured.
    context = await browser.new_context(viewport={"width": 320, "height": 240})
    await context.add_init_script(path=WATCH)
    other = await context.new_page()
    await other.goto(url)
    await join(other, "Ana")
    for run in range(options.runs):
        progress.show("joining", run / options.runs)
        await joining(browser, url, waits, progress if options.steps else None)
    return waits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument("--runs", type=int, default=15, help="of each kind (default: %(default)s)")
    parser.add_argument("--steps", action="store_true", help="say every step of every join, in ms after the click")


async def run(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        raise TargetError("a browser is driven by playwright: pip install playwright") from None
    async with opened(options, *DIRECT_OFF) as target, async_playwright() as playwright:
        token = target.token_for(ROOM)
        url = f"{target.url}/{ROOM}" + (f"#token={token}" if token else "")
        try:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        except Error as error:
            raise TargetError(f"Chromium does not start: {error.message.splitlines()[0]}") from None
        try:
            return (await measure(browser, url, options, progress)).found()
        finally:
            await browser.close()


def table(found: dict[str, Any]) -> str:
    """Median, nine of ten, the worst."""
    lines = [f"{'ms':28} {'p50':>8} {'p90':>8} {'worst':>8} {'aim':>8}"]
    for name, values in found["runs_ms"].items():
        aim = f"{found['limits_ms'][name]:8.0f}" if name in found["limits_ms"] else ""
        p90 = sorted(values)[max(0, -(-len(values) * 9 // 10) - 1)]
        lines.append(f"{name:28} {statistics.median(values):8.0f} {p90:8.0f} {max(values):8.0f} {aim}")
    return "\n".join(lines)
