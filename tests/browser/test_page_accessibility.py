"""axe-core finds no violation on any view of the page, in either theme, in either language; the keyboard's focus is seen wherever
it goes; high contrast takes nothing away.

Server and devices are stood in for, so that every view is there within a moment; the page and its policy are the server's. axe is
evaluated from outside of the page: its policy stays as strict as it is.
"""

import re
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from ciranda.server import Server
from scripts.screenshots.views import VIEWS, View, show

AXE_SCRIPT = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
LOCALES = ("en-GB", pytest.param("pt-BR", marks=pytest.mark.slow))
SCHEMES = ("light", "dark")
ALWAYS = {
    "home",
    "lobby",
    "screen",
    "chat",
    "people",
    "settings",
    "end-removed",
    "waiting",
    "keys",
    "door",
    "orders",
    "status",
}
"""Looked at in every run; the other views by `make quality`."""
TABBED = ("home", "lobby", "chat", "status")
MORE_TABBED = ("settings", "options", "menu", "orders", "remove", "left", "files", "grid-3")
"""Views that the keyboard walks through; the second ones by `make quality`."""
MOST_STOPS = 80
LEAST_OUTLINE_PX = 2
LEAST_CONTRAST = 3.0
"""Of the focus and what is around it (WCAG 1.4.11)."""

FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return {};
  if (one.dataset.visited) return null;
  one.dataset.visited = 'yes';
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => rgb(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const opaque = (element) => (rgb(getComputedStyle(element).backgroundColor)[3] ?? 1) === 1;
  let ground = one.parentElement;
  while (!opaque(ground) && ground.parentElement) ground = ground.parentElement;
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
  const [high, low] = [light(outlineColor), light(getComputedStyle(ground).backgroundColor)].sort((a, b) => b - a);
  const { left, top, width, height } = one.getClientRects()[0]; // the first line of a link
  const there = document.elementFromPoint(left + width / 2, top + height / 2);
  return {
    name: one.getAttribute('aria-label') || one.id || one.textContent.trim() || one.className,
    outline: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth), contrast: (high + 0.05) / (low + 0.05),
    seen: one.contains(there) || Boolean(there?.contains(one) && there.matches('label')),
  };
}"""
"""What has the focus: nothing between the last and the first; null when it has been there before."""

FIND = """async () => (await axe.run({ resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }))
  .violations.flatMap(({ id, nodes }) =>
  nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))"""


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=LOCALES)
async def readers(request: pytest.FixtureRequest, chromium: Browser) -> AsyncIterator[BrowserContext]:
    """Pages of somebody with this language, who wants no motion: nothing is looked at half faded."""
    context = await chromium.new_context(locale=request.param, reduced_motion="reduce")
    yield context
    await context.close()


async def violations(page: Page) -> list[str]:
    """`rule: selector: what is wrong` for each element."""
    found: list[str] = await page.evaluate(FIND)
    return found


def some(views: tuple[View, ...]) -> list[object]:
    return [pytest.param(view, id=view.name, marks=[] if view.name in ALWAYS else [pytest.mark.slow]) for view in views]


@pytest.mark.parametrize("view", some(VIEWS))
async def test_no_view_has_a_violation(readers: BrowserContext, house: Server, view: View) -> None:
    page = await readers.new_page()
    try:
        await show(view, page, house.url)
        await page.evaluate(AXE_SCRIPT)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert await violations(page) == [], scheme
    finally:
        await page.evaluate("localStorage.clear()")
        await page.close()


@pytest.mark.parametrize("name", [*TABBED, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE_TABBED)])
async def test_the_focus_is_seen_wherever_the_keyboard_goes(readers: BrowserContext, house: Server, name: str) -> None:
    page = await readers.new_page()
    await show(next(view for view in VIEWS if view.name == name), page, house.url)
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await page.evaluate("for (const one of document.querySelectorAll('[data-visited]')) delete one.dataset.visited")
        stops: list[dict[str, Any]] = []
        while len(stops) < MOST_STOPS:
            await page.keyboard.press("Tab")
            focused = await page.evaluate(FOCUSED)
            if focused is None:
                break
            stops.append(focused)
            if not focused:
                continue
            about = (scheme, focused)
            assert focused["outline"] >= LEAST_OUTLINE_PX, about
            assert focused["contrast"] >= LEAST_CONTRAST, about
            assert focused["seen"], about
        assert 3 <= len(stops) < MOST_STOPS, (scheme, stops)
    await page.evaluate("localStorage.clear()")
    await page.close()


async def test_in_high_contrast_every_state_is_still_seen(readers: BrowserContext, house: Server) -> None:
    page = await readers.new_page()
    await page.emulate_media(forced_colors="active")
    await show(next(view for view in VIEWS if view.name == "settings"), page, house.url)
    await page.get_by_role("switch", name=re.compile("noise|ruído", re.IGNORECASE)).click()
    await page.locator(".bars:visible").first.wait_for()
    ground = "(selector, part = null) => getComputedStyle(document.querySelector(selector), part).backgroundColor"
    line = """(selector, part = null) => {
      const { borderTopStyle, borderTopWidth } = getComputedStyle(document.querySelector(selector), part);
      return `${borderTopStyle} ${borderTopWidth}`;
    }"""
    for look, one, other, part in (
        (ground, ".switch input:checked", ".switch input:not(:checked)", None),
        (ground, '[data-layout][aria-pressed="true"]', '[data-layout][aria-pressed="false"]', None),
        (ground, ".bars:not([hidden]) span", ".tile-label", None),
        (line, ".tile.speaking", ".tile:not(.speaking):not([hidden])", "::after"),
        (line, ".tile:not(.speaking):not([hidden])", ".stage", "::after"),
        (line, '.bar [data-control="hand"]', ".bar", None),
        (line, ".panel", ".stage", None),
    ):
        found = [
            await page.evaluate(f"([selector, part]) => ({look})(selector, part)", [each, part])
            for each in (one, other)
        ]
        assert found[0] != found[1], (one, found)
    await page.evaluate("localStorage.clear()")
    await page.close()


async def test_violations_would_be_found(readers: BrowserContext, house: Server) -> None:
    page = await readers.new_page()
    await page.goto(house.url)
    await page.locator("#room").wait_for()
    await page.evaluate("document.querySelector('h1').style.color = '#bbb'")
    await page.evaluate("document.querySelector('form button').textContent = ''")
    await page.evaluate(AXE_SCRIPT)
    found = {line.split(":")[0] for line in await violations(page)}
    assert {"color-contrast", "button-name"} <= found
    await page.close()
