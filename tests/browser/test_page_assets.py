"""The page is small, self-contained, strict about its own content, and speaks two languages completely."""

import gzip
import re
from pathlib import Path
from urllib.parse import urlsplit

from ciranda.server import Server
from signaling.names import RESERVED
from signaling.pages import WEB
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.mounted import mounted

MOST_BYTES = 150_000
TIMEOUT_MS = 30_000
PLACEHOLDER = re.compile(r"\{(\w+)\}")
IMPORTS = re.compile(r'^(?:import|export)\s[^;]*?from "([^"]+)"', re.MULTILINE)
CODES = re.compile(r"^\| (`[^|]*) \|", re.MULTILINE)
MALFORMED = {"malformed", "unknown_type", "not_joined", "bad_sdp", "internal"}
"""Codes that mean a fault of page or server, not of a person: they are shown as 'something went wrong'."""


async def test_everything_together_is_small() -> None:
    """As it crosses the wire: compressed."""
    sizes = {path: len(gzip.compress(path.read_bytes())) for path in WEB.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < MOST_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:5]


async def test_every_module_of_the_first_view_is_loaded_at_once() -> None:
    """Without this list a browser learns of a module only when it has read the one that imports it. Calls come later."""
    found: set[Path] = set()
    ahead = [WEB / "app.js"]
    while ahead:
        module = ahead.pop()
        if module not in found:
            found.add(module)
            ahead += [(module.parent / name).resolve() for name in IMPORTS.findall(module.read_text())]
    listed = set(re.findall(r'<link rel="modulepreload" href="/static/([^"]+)">', (WEB / "index.html").read_text()))
    assert listed | {"app.js"} == {path.relative_to(WEB).as_posix() for path in found}


async def test_every_style_sheet_is_used() -> None:
    html, entrance = (WEB / "index.html").read_text(), (WEB / "enter.js").read_text()
    first = set(re.findall(r'<link rel="stylesheet" href="/static/css/(\w+)\.css">', html))
    later = set(re.findall(r'"(\w+)"', re.search(r"const STYLES = \[(.*?)\]", entrance, re.DOTALL)[1]))  # type: ignore[index]
    operators = (WEB / "status.html").read_text()
    own = set(re.findall(r'<link rel="stylesheet" href="/static/css/(\w+)\.css">', operators)) - first
    assert first | later | own == {path.stem for path in (WEB / "css").glob("*.css")}
    assert not first & later


async def test_html_has_no_inline_script_or_style() -> None:
    html = (WEB / "index.html").read_text() + (WEB / "status.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html)


async def test_nothing_is_asked_of_another_host_and_the_policy_refuses_nothing(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open("about:blank")
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    await tab.page.goto(f"{server.url}/assets")
    await tab.page.locator("#name").wait_for()
    await tab.page.goto(server.url)
    await tab.page.locator("#room").wait_for()
    await tab.page.wait_for_load_state("networkidle")
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(server.url).netloc}
    assert tab.errors == []
    assert [line for line in tab.console if line.startswith(("error", "warning"))] == []


async def test_every_text_exists_in_every_language_with_the_same_values(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open(server.url)
    languages = sorted(path.stem for path in (WEB / "lang").glob("*.js"))
    assert languages == ["en", "pt"]
    texts: dict[str, dict[str, str]] = {
        language: await tab.page.evaluate(
            "async (language) => (await import(`/static/lang/${language}.js`)).default", language
        )
        for language in languages
    }
    english = texts.pop("en")
    for language, translated in texts.items():
        assert translated.keys() == english.keys(), language
        for key, text in translated.items():
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(english[key])), (language, key)


async def test_every_code_of_the_protocol_has_words_for_people(tabs: Tabs, server: Server) -> None:
    protocol = (WEB.parent / "PROTOCOL.md").read_text().partition("## Codes")[2]
    codes = {code for cell in CODES.findall(protocol) for code in re.findall(r"`(\w+)`", cell)}
    assert {"room_full", "invalid_token", "token_expired", "rate_limited"} <= codes
    tab = await tabs.open(server.url)
    explained = await tab.page.evaluate(
        "async (codes) => { const { has } = await import('/static/ui/i18n.js');"
        " return codes.filter((code) => has(`error.${code}`) && has(`error.${code}.text`)); }",
        sorted(codes),
    )
    assert codes - set(explained) <= MALFORMED


async def test_the_page_knows_which_names_are_no_rooms(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open(server.url)
    names = [*sorted(RESERVED), "tea-at-five", "a b", "x" * 65]
    known = await tab.page.evaluate(
        "async (names) => { const { isRoomName } = await import('/static/ui/names.js'); return names.filter(isRoomName); }",
        names,
    )
    assert known == ["tea-at-five"]


async def test_the_language_follows_the_browser(tabs: Tabs, server: Server) -> None:
    for locale, language, button in (("pt-BR", "pt-BR", "Nova reunião"), ("de-DE", "en", "New meeting")):
        tab = await tabs.open(server.url, locale=locale)
        await tab.page.get_by_role("button", name=button).wait_for()
        assert await tab.page.evaluate("document.documentElement.lang") == language


async def test_below_a_path_of_another_program_people_meet_and_operators_see_them(tabs: Tabs) -> None:
    async with mounted(Server(media_port=0)) as url:
        ana = await MeetingPage.join(tabs, f"{url}/meet", "tea", "Ana")
        status = await tabs.open(f"{url}/meet/status")
        await status.page.get_by_role("link", name="tea").wait_for(timeout=TIMEOUT_MS)
        await ana.leave()
        await ana.page.get_by_role("button", name="To the start page").click()
        assert ana.page.url == f"{url}/meet/"
        assert ana.tab.errors == status.errors == []
