"""The views of the page, each with what stands in for server, network and devices (stand_in.js) and what is done to get there.

Pictures are taken of them, and tests look at them for accessibility. They show the page's own layout; they prove nothing about
behaviour.
"""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from scripts.screenshots.operators import API, EMPTY

STAND_IN = Path(__file__).parent / "stand_in.js"
NAMES = (
    "Bruno Alves", "Chiara Rossi", "Dana Levi", "Emeka Obi", "Fatima Zahra El Mansouri", "Goran", "Hana Sato",
    "Ines Duarte", "Jonas Weber", "Kim Min-ji", "Lea", "Mateus Nogueira", "Nils", "Olga Petrova", "Priya Raman",
    "Quentin", "Rosa Lima", "Samir Haddad", "Tove Lund", "Uma", "Vera", "Wanda", "Xavi", "Yara", "Zoe", "Aldo",
)  # fmt: skip

LOOKS = 45
STATE = {
    "locked": False,
    "waiting_room": True,
    "microphone": False,
    "camera": True,
    "screen": True,
    "chat": True,
    "direct": True,
}
DOOR = [
    {"id": "w_1", "name": "Uma Paterson", "since": 0, "removed": False},
    {"id": "w_2", "name": "Xavi", "since": 0, "removed": True},
]

Step = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True)
class View:
    """One picture: where the page is, what stands in for the world, what is done before the picture is taken."""

    name: str
    path: str = "/tea-at-five"
    scenario: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


async def show(view: View, page: Page, origin: str) -> None:
    """Opens the view in an empty page."""
    scenario = {"people": [], "devices": "given", "refuse": None, **view.scenario}
    await page.add_init_script(f"window.scenario = {json.dumps(scenario)};")
    await page.add_init_script(path=STAND_IN)
    await page.goto(origin + view.path)
    for step in view.steps:
        await step(page)


def people(count: int, **special: dict[str, Any]) -> list[dict[str, Any]]:
    """Others in the meeting; every fifth has no camera, every fourth is muted. `special` by index, as `p3={…}`."""
    found = [
        {"name": NAMES[index % len(NAMES)], "video": index % 5 != 3, "muted": index % 4 == 1} for index in range(count)
    ]
    for key, changes in special.items():
        found[int(key[1:])].update(changes)
    return found


def ago_ms(minutes: int) -> int:
    """Milliseconds since 1970, as the server stamps messages."""
    return int((time.time() - 60 * minutes) * 1000)


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
            "m => window.standInChat(m)", {"from": sender, "name": name, "text": text, "at_ms": ago_ms(6)}
        )
    await page.locator("#chat-text").fill("There will be time")
    await page.keyboard.press("Enter")


async def open_empty_chat(page: Page) -> None:
    await press(page, "chat")


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
    await page.locator(".tile-button[aria-pressed]").nth(1).focus()
    await page.keyboard.press("Enter")


async def press(page: Page, control: str) -> None:
    await page.locator(f'[data-control="{control}"]').click()


async def everything_off(page: Page) -> None:
    await press(page, "microphone")
    await press(page, "camera")


async def react(page: Page) -> None:
    for number, sign in enumerate(("👏", "❤️", "🎉")):
        await page.evaluate(
            "m => window.standInReaction(m)", {"from": f"p_{number}", "name": NAMES[number], "text": sign, "at_ms": 0}
        )


async def notices(page: Page) -> None:
    await page.evaluate(
        """async () => { const { ask, notify, warn } = await import('/static/ui/toast.js');
          notify('Chiara Rossi: I have one question about the last figure, if there is time at the end.', 'chat');
          ask('Bruno Alves asks you to mute yourself', { iconName: 'mic', yes: 'Mute', action: () => {} });
          warn('The camera was disconnected.'); }"""
    )


def closed(reason: str) -> Step:
    async def step(page: Page) -> None:
        await page.evaluate("reason => window.standInSay({ type: 'closed', reason })", reason)
        await page.locator(".end").wait_for()

    return step


def layout(name: str) -> Step:
    async def step(page: Page) -> None:
        await open_menu(page)
        await page.locator(f'[data-layout="{name}"]').click()
        await page.keyboard.press("Escape")

    return step


async def graded(page: Page) -> None:
    """The second look at the statistics gives the first grades."""
    await page.locator(".bars:visible").first.wait_for()


async def send_files(page: Page) -> None:
    await open_chat(page)
    await page.evaluate(
        "m => window.standInChat(m)",
        {"from": "p_1", "name": "Chiara Rossi", "text": "", "at_ms": ago_ms(0), "id": "m_1",
         "file": {"id": "f", "name": "Figures of the first quarter, final version.pdf", "size": 2_310_000, "url": "/files/t/f"}},
    )  # fmt: skip
    await page.evaluate(
        "m => window.standInChat(m)",
        {
            "from": "p_0",
            "name": "Bruno Alves",
            "text": "Just for you: I think so, too.",
            "to": "p_me",
            "at_ms": ago_ms(0),
        },
    )
    await page.locator("#chat-to").select_option("p_0")


async def chat_marks(page: Page) -> None:
    """One was taken back by a host; one's own did not get through."""
    await open_chat(page)
    await page.locator(".chat-failed").wait_for()
    text = {"id": "m_2", "from": "p_1", "name": "Chiara Rossi", "text": "…", "at_ms": ago_ms(0)}
    await page.evaluate("m => window.standInChat(m)", text)
    await page.evaluate("m => window.standInChat(m)", {"retracted": "m_2", "by": "p_0"})
    await page.locator(".chat-gone").wait_for()


async def ask_for_keys(page: Page) -> None:
    """By the key: phones have no line for it in their menu."""
    await page.keyboard.press("?")
    await page.locator(".keys").wait_for()


async def orders(page: Page) -> None:
    await open_people(page)
    await page.locator(".person:nth-child(4) .round").click()


async def remove(page: Page) -> None:
    await orders(page)
    await page.locator(".orders .danger-item").click()


async def press_leave(page: Page) -> None:
    await page.locator(".control.leave").click()


async def leave(page: Page) -> None:
    await page.locator(".control.leave").click()


async def counted(page: Page) -> None:
    await page.locator(".status tbody tr").first.wait_for()


async def watched(page: Page) -> None:
    """For a while: every look draws the lines under the figures on."""
    await counted(page)
    for _ in range(LOOKS):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def asked_for_a_token(page: Page) -> None:
    await page.locator("#token").wait_for()


def call(name: str, others: int, *steps: Step, **special: Any) -> View:
    speaker = special.pop("speaker", 0)
    more = special.pop("more", {})
    return View(
        name, scenario={"people": people(others, **special), "speaker": speaker, **more}, steps=(joined, *steps)
    )


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
    *(call(f"end-{reason}", 1, closed(reason)) for reason in ("removed", "closed")),
    call("notices", 3, notices),
    call("chat-empty", 1, open_empty_chat),
    View("waiting", scenario={"wait": True}, steps=(join,)),
    call("speaker", 5, layout("speaker"), graded, speaker=1),
    call("sidebar", 8, layout("sidebar"), graded, speaker=1),
    call("reactions", 5, graded, react, p1={"hand": 1}, p3={"hand": 2}),
    call("hands", 5, open_people, p1={"hand": 2}, p3={"hand": 1}, p2={"admin": True}),
    call("audio-only", 3, open_from_menu("headphones")),
    call("details", 2, graded, open_from_menu("stats")),
    call("files", 3, send_files),
    call("chat-marks", 3, chat_marks, more={"admin": True, "chatRefuses": "rate_limited"}),
    call("keys", 2, ask_for_keys),
    View("unsupported", scenario={"unsupported": True}),
    call("door", 3, open_people, more={"admin": True, "waiting": DOOR}),
    call("options", 3, open_from_menu("shield"), more={"admin": True, "state": {**STATE, "locked": True}}),
    call("orders", 5, orders, p2={"hand": 1}, more={"admin": True}),
    call("remove", 5, remove, more={"admin": True}),
    call("leave-or-end", 2, press_leave, more={"admin": True}),
    View("status", path="/status", scenario={"api": API}, steps=(watched,)),
    View("status-room", path="/status#room=tea-at-five", scenario={"api": API}, steps=(counted,)),
    View("status-empty", path="/status", scenario={"api": EMPTY}, steps=(counted,)),
    View("status-token", path="/status", steps=(asked_for_a_token,)),
)
