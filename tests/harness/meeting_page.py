"""The product's own page as a person uses it: fields, buttons and what can be seen; statistics come from outside of it."""

from typing import Any, Self

from tests.harness.chromium import Tab, Tabs
from tests.harness.stats import Sample

TIMEOUT_MS = 30_000


class MeetingPage:
    """Somebody in a meeting. Made by `join`."""

    def __init__(self, tab: Tab, name: str) -> None:
        self.tab = tab
        self.page = tab.page
        self.name = name

    @classmethod
    async def join(cls, tabs: Tabs, url: str, room: str, name: str, **context_options: Any) -> Self:
        """Opens the room's address, says the name, joins, and waits for the media connection."""
        person = await cls.before(tabs, url, room, name, **context_options)
        await person.enter()
        return person

    @classmethod
    async def before(cls, tabs: Tabs, url: str, room: str, name: str, **context_options: Any) -> Self:
        """In the lobby, with the name said; `enter` joins."""
        tab = await tabs.open(f"{url}/{room}", instrumented=True, **context_options)
        await tab.page.fill("#name", name)
        return cls(tab, name)

    async def enter(self) -> None:
        """Joins, and waits for the media connection."""
        await self.page.click("button[type=submit]")
        await self.connected()

    async def connected(self) -> None:
        """In the meeting, with audio and video connected."""
        await self.page.wait_for_function(
            "() => globalThis.ciranda?.connectionState === 'connected'", timeout=TIMEOUT_MS
        )

    async def id(self) -> str:
        found: str = await self.page.evaluate("() => ciranda.self.id")
        return found

    async def sample(self) -> Sample:
        return await self.tab.sample()

    async def slots(self) -> list[dict[str, str]]:
        """MID, kind and participant of every slot that is filled."""
        found: list[dict[str, str]] = await self.page.evaluate(
            "() => globalThis.ciranda?.slots().filter((s) => s.participant)"
            ".map(({ mid, kind, participant, track }) => ({ mid, kind, participant, track })) ?? []"
        )
        return found

    async def wait_for_slots(self, *, audio: int, video: int) -> None:
        """Exactly so many slots are filled."""
        await self.page.wait_for_function(
            "([audio, video]) => { const filled = (globalThis.ciranda?.slots() ?? []).filter((s) => s.participant);"
            " return filled.filter((s) => s.kind === 'audio').length === audio"
            " && filled.filter((s) => s.kind === 'video').length === video; }",
            arg=[audio, video],
            timeout=TIMEOUT_MS,
        )

    async def wait_for_pictures(self, *names: str) -> None:
        """A tile of each of these people shows a moving picture."""
        for name in names:
            await self.tile(name, playing=True).wait_for(timeout=TIMEOUT_MS)

    def tile(self, caption: str, *, playing: bool = False) -> Any:
        """The visible tile with this caption, as a playwright locator."""
        selector = "li.tile.playing" if playing else "li.tile"
        return self.page.locator(f'{selector}[aria-label="{caption}"]:visible')

    async def wait_for_tiles(self, *captions: str) -> None:
        """These tiles are visible, and no other."""
        await self.page.wait_for_function(
            "(captions) => { const shown = [...document.querySelectorAll('li.tile')].filter((t) => t.checkVisibility())"
            ".map((t) => t.getAttribute('aria-label')).filter(Boolean);"
            " return JSON.stringify(shown.sort()) === JSON.stringify(captions.sort()); }",
            arg=list(captions),
            timeout=TIMEOUT_MS,
        )

    async def press(self, control: str) -> None:
        """A button of the bar: `microphone`, `camera`, `share`, `people`, `chat`."""
        await self.page.click(f'[data-control="{control}"]')

    async def choose(self, text: str) -> None:
        """A line of the menu, or one of its layouts."""
        await self.press("more")
        await self.page.locator("#more-menu button:visible", has_text=text).click()
        if await self.page.locator("#more-menu:popover-open").count():
            await self.page.keyboard.press("Escape")

    async def leave(self) -> None:
        await self.page.click("button.leave")
        alone = self.page.locator("#leave-menu:popover-open").get_by_role("button", name="Leave meeting")
        if await alone.count():  # a host may also end the meeting for all
            await alone.click()

    async def say(self, text: str) -> None:
        """In the chat, whose panel must be open."""
        await self.page.fill("#chat-text", text)
        await self.page.press("#chat-text", "Enter")

    async def wait_for_message(self, author: str, text: str) -> None:
        """A chat message by this author is seen in the open panel."""
        group = self.page.locator("li.chat-group", has_text=text).filter(has_text=author)
        await group.wait_for(timeout=TIMEOUT_MS)
