"""Pictures of the page: every view, in both themes, at the sizes that matter, into a folder (build/screenshots).

    python scripts/screenshots.py [FOLDER] [--size 1280x720 …] [--view grid-5 …]

It owns the scenarios. Server, network and devices are stood in for (screenshots/stand_in.js): it shows layout, and proves
nothing about behaviour.
"""

import argparse
import asyncio
import json
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route, async_playwright

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "signaling" / "web"
STAND_IN = Path(__file__).resolve().parent / "screenshots" / "stand_in.js"
ORIGIN = "http://localhost:9"
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-background-networking"]
SIZES = ("1280x720", "390x844")
SETTLE_MS = 900
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "media-src 'self' blob: mediastream:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'"
)
NAMES = (
    "Bruno Alves", "Chiara Rossi", "Dana Levi", "Emeka Obi", "Fatima Zahra El Mansouri", "Goran", "Hana Sato",
    "Ines Duarte", "Jonas Weber", "Kim Min-ji", "Lea", "Mateus Nogueira", "Nils", "Olga Petrova", "Priya Raman",
    "Quentin", "Rosa Lima", "Samir Haddad", "Tove Lund", "Uma", "Vera", "Wanda", "Xavi", "Yara", "Zoe", "Aldo",
)  # fmt: skip

Step = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True)
class View:
    """One picture: where the page is, what stands in for the world, what is done before the picture is taken."""

    name: str
    path: str = "/tea-at-five"
    scenario: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


def people(count: int, **special: dict[str, Any]) -> list[dict[str, Any]]:
    """Others in the meeting; every fifth has no camera, every fourth is muted. `special` by index, as `p3={…}`."""
    found = [
        {"name": NAMES[index % len(NAMES)], "video": index % 5 != 3, "muted": index % 4 == 1} for index in range(count)
    ]
    for key, changes in special.items():
        found[int(key[1:])].update(changes)
    return found


async def join(page: Page) -> None:
    await page.locator("#name").fill("Ana Braga")
    await page.locator(".lobby-form .primary").click()


async def joined(page: Page) -> None:
    await join(page)
    await page.locator(".call").wait_for()


async def open_chat(page: Page) -> None:
    await page.locator('[data-control="chat"]').click()
    for sender, name, text in (
        ("p_0", "Bruno Alves", "Good morning everybody"),
        ("p_0", "Bruno Alves", "The notes are here: https://example.org/notes/2026/spring?page=2"),
        ("p_1", "Chiara Rossi", "Thank you! I have one question about the last figure, if there is time at the end."),
    ):
        await page.evaluate(
            "m => window.standInChat(m)", {"from": sender, "name": name, "text": text, "at_ms": 1760000000000}
        )
    await page.locator("#chat-text").fill("There will be time")
    await page.keyboard.press("Enter")


async def open_menu(page: Page) -> None:
    await page.locator('[popovertarget="more-menu"]').click()


def open_from_menu(icon: str) -> Step:
    async def step(page: Page) -> None:
        await open_menu(page)
        await page.locator(f'.menu-item:has(use[href$="#{icon}"])').click()

    return step


async def open_people(page: Page) -> None:
    if await page.locator('[data-control="people"]').is_visible():
        return await press(page, "people")
    return await open_from_menu("people")(page)


async def pin_second(page: Page) -> None:
    await page.locator(".tile-pin").nth(1).focus()
    await page.keyboard.press("Enter")


async def press(page: Page, control: str) -> None:
    await page.locator(f'[data-control="{control}"]').click()


async def everything_off(page: Page) -> None:
    await press(page, "microphone")
    await press(page, "camera")


async def leave(page: Page) -> None:
    await page.locator(".control.leave").click()


def call(name: str, others: int, *steps: Step, **special: Any) -> View:
    speaker = special.pop("speaker", 0)
    return View(name, scenario={"people": people(others, **special), "speaker": speaker}, steps=(joined, *steps))


VIEWS = (
    View("home", path="/"),
    View("lobby"),
    View("lobby-denied", scenario={"devices": "denied"}),
    View("lobby-missing", scenario={"devices": "missing"}),
    *(View(f"refused-{code}", scenario={"refuse": code}, steps=(join,)) for code in ("room_full", "invalid_token")),
    View("unreachable", scenario={"unreachable": True}, steps=(join,)),
    View("bad-room", path="/not%20a%20room!"),
    *(call(f"grid-{count}", count - 1) for count in (1, 2, 3, 5, 9, 16, 26)),
    call("off", 1, everything_off),
    call("screen", 4, p1={"screen": True}),
    call("pinned", 8, pin_second),
    call("chat", 4, open_chat),
    call("people", 8, open_people),
    call("menu", 2, open_menu),
    call("settings", 2, open_from_menu("settings")),
    View("reconnecting", scenario={"people": people(3), "dropAfterMs": 400}, steps=(joined,)),
    call("left", 2, leave),
)


async def serve(route: Route) -> None:
    path = urlsplit(route.request.url).path
    file = WEB / path.removeprefix("/static/") if path.startswith("/static/") else WEB / "index.html"
    kind = mimetypes.guess_type(file.name)[0] or "text/plain"
    headers = {"Content-Security-Policy": POLICY, "Content-Type": kind}
    await route.fulfill(body=file.read_bytes(), headers=headers)


async def shoot(browser: Browser, view: View, size: str, scheme: str, locale: str, folder: Path) -> list[str]:
    """Takes one picture. Returns what the page complained about."""
    width, height = (int(part) for part in size.split("x"))
    phone = width < 600
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=locale,
        device_scale_factor=1,
        has_touch=phone,
    )
    complaints: list[str] = []
    try:
        page = await context.new_page()
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.route("**/*", serve)
        scenario = {"people": [], "devices": "given", "refuse": None, **view.scenario}
        await page.add_init_script(f"window.scenario = {json.dumps(scenario)};")
        await page.add_init_script(path=STAND_IN)
        await page.goto(ORIGIN + view.path)
        for step in view.steps:
            await step(page)
        await page.wait_for_timeout(SETTLE_MS)
        await page.screenshot(path=folder / f"{view.name}-{size}-{scheme}.png")
    finally:
        await context.close()
    return complaints


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "screenshots")
    parser.add_argument("--size", action="append", help="WIDTHxHEIGHT, repeatable")
    parser.add_argument("--scheme", action="append", choices=("light", "dark"))
    parser.add_argument("--locale", default="en-GB", help="language of the browser, as pt-BR")
    parser.add_argument("--view", action="append", help="name of a view, repeatable")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        try:
            for view in VIEWS:
                if options.view and view.name not in options.view:
                    continue
                for size in options.size or SIZES:
                    for scheme in options.scheme or ("light", "dark"):
                        complaints = await shoot(browser, view, size, scheme, options.locale, options.folder)
                        print(f"{view.name} {size} {scheme}", *complaints, sep="\n  ! ")
        finally:
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
