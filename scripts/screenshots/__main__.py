"""Pictures of the page: every view, in both themes, at the sizes that matter, into a folder (build/screenshots).

    python -m scripts.screenshots [FOLDER] [--size 1280x720 …] [--view grid-5 …]

Server, network and devices are stood in for (stand_in.js): it shows layout, and proves nothing about behaviour.
"""

import argparse
import asyncio
import itertools
import mimetypes
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, Route, ViewportSize, async_playwright

from scripts.screenshots.views import VIEWS, View, show

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "signaling" / "web"
ORIGIN = "http://localhost:9"
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-background-networking"]
SIZES = ("390x844", "1024x768", "1920x1080")
SCHEMES = ("light", "dark")
PHONE_PX = 600
"""A shorter side below this belongs to a phone: touch, no mouse."""
SETTLE_MS = 900
RESIZE_MS = 450
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "media-src 'self' blob: mediastream:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'"
)


async def serve(route: Route) -> None:
    path = urlsplit(route.request.url).path
    html = "status.html" if path == "/status" else "index.html"
    file = WEB / (path.removeprefix("/static/") if path.startswith("/static/") else html)
    kind = mimetypes.guess_type(file.name)[0] or "text/plain"
    headers = {"Content-Security-Policy": POLICY, "Content-Type": kind}
    await route.fulfill(body=file.read_bytes(), headers=headers)


def viewport(size: str) -> ViewportSize:
    width, height = (int(part) for part in size.split("x"))
    return {"width": width, "height": height}


def is_phone(size: str) -> bool:
    asked = viewport(size)
    return min(asked["width"], asked["height"]) < PHONE_PX


async def shoot(browser: Browser, view: View, options: argparse.Namespace, sizes: list[str]) -> list[str]:
    """Takes the pictures of one kind of device. Returns what the page complained about."""
    context = await browser.new_context(
        viewport=viewport(sizes[0]),
        color_scheme=options.scheme[0],
        locale=options.locale,
        device_scale_factor=1,
        has_touch=is_phone(sizes[0]),
        is_mobile=is_phone(sizes[0]),
    )
    complaints: list[str] = []
    try:
        page = await context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.route("**/*", serve)
        await show(view, page, ORIGIN)
        await page.wait_for_timeout(SETTLE_MS)
        for size, scheme in itertools.product(sizes, options.scheme):
            await page.set_viewport_size(viewport(size))
            await page.emulate_media(color_scheme=scheme)
            await page.mouse.move(1, viewport(size)["height"] - 1)  # over nothing that shows more then
            await page.wait_for_timeout(RESIZE_MS)
            await page.screenshot(path=options.folder / f"{view.name}-{size}-{scheme}.png")
    finally:
        await context.close()
    return complaints


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "screenshots")
    parser.add_argument("--size", action="append", help="WIDTHxHEIGHT, repeatable")
    parser.add_argument("--scheme", action="append", choices=SCHEMES)
    parser.add_argument("--locale", default="en-GB", help="language of the browser, as pt-BR")
    parser.add_argument("--view", action="append", help="name of a view, repeatable")
    options = parser.parse_args()
    options.scheme = options.scheme or list(SCHEMES)
    options.folder.mkdir(parents=True, exist_ok=True)
    complained = False
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        try:
            for view in VIEWS:
                if options.view and view.name not in options.view:
                    continue
                for _, sizes in itertools.groupby(options.size or SIZES, key=is_phone):
                    complaints = await shoot(browser, view, options, list(sizes))
                    complained = complained or bool(complaints)
                    print(view.name, *complaints, sep="\n  ! ")
        finally:
            await browser.close()
    sys.exit(complained)


if __name__ == "__main__":
    asyncio.run(main())
