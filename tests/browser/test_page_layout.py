"""Tiles lie on the stage without overlapping, equal in size, and as large as the stage allows."""

from contextlib import AsyncExitStack
from itertools import combinations, pairwise

from ciranda.server import Server
from tests.harness.chromium import Tabs
from tests.harness.meeting_page import MeetingPage
from tests.harness.signaling import Signaling

STAGES = ((1256, 620), (378, 760), (820, 320), (1880, 960), (600, 600))
MOST = 25
GAP = 10
ROUNDING = 1.0
LEAST_COVER = 0.45
"""Of the stage's area, by the tiles of a grid: the worst mix of count and shape leaves this much covered."""

Box = dict[str, float]
LAYOUTS = """async ([stages, most, gap]) => {
  const { gridBoxes, focusBoxes } = await import('/static/call/layout.js');
  return stages.flatMap(([width, height]) => Array.from({ length: most }, (_, index) => ({
    width, height, count: index + 1,
    grid: gridBoxes(index + 1, width, height, gap), focus: focusBoxes(index + 1, width, height, gap),
    screen: focusBoxes(index + 1, width, height, gap, true),
  })));
}"""


def overlap(a: Box, b: Box) -> bool:
    apart_x = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
    apart_y = a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    return not (apart_x or apart_y)


async def test_grids_and_strips_hold_every_count_of_tiles(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open(f"{server.url}/")
    for layout in await tab.page.evaluate(LAYOUTS, [STAGES, MOST, GAP]):
        about = (layout["width"], layout["height"], layout["count"])
        for boxes in (layout["grid"], layout["focus"], layout["screen"]):
            assert len(boxes) == layout["count"], about
            assert not any(overlap(a, b) for a, b in combinations(boxes, 2)), about
            for box in boxes:
                assert box["x"] >= -ROUNDING, about
                assert box["y"] >= -ROUNDING, about
                assert box["x"] + box["width"] <= layout["width"] + ROUNDING, about
                assert box["y"] + box["height"] <= layout["height"] + ROUNDING, about
        grid = layout["grid"]
        assert all((a["width"], a["height"]) == (b["width"], b["height"]) for a, b in pairwise(grid)), about
        covered = sum(box["width"] * box["height"] for box in grid) / (layout["width"] * layout["height"])
        assert covered >= LEAST_COVER, (about, covered)
        if layout["count"] > 1:
            for large, *small in (layout["focus"], layout["screen"]):
                assert all(large["width"] * large["height"] > b["width"] * b["height"] for b in small), about


async def test_in_a_crowd_whoever_speaks_or_is_seen_takes_the_place_of_the_quietest(tabs: Tabs, server: Server) -> None:
    tab = await tabs.open(f"{server.url}/")
    looks = await tab.page.evaluate(
        """async () => {
          const { Crowd } = await import('/static/call/crowd.js');
          const crowd = new Crowd();
          const look = (keys, most, { speak = '', seen = '' } = {}) => {
            const entry = (key) => ({ self: key === 'a', speaking: speak.includes(key), stream: seen.includes(key) ? {} : null });
            return crowd.choose([...keys], most, new Map([...keys].map((key) => [key, entry(key)]))).join('');
          };
          return [
            look('abcdef', 3), look('abcdef', 3, { speak: 'e' }), look('abcdef', 3, { speak: 'b' }),
            look('abcdef', 3, { speak: 'f' }),
            look('abcdef', 3, { seen: 'cdef' }), look('abcdef', 3, { speak: 'b', seen: 'cd' }), look('acdef', 3), look('abc', 4),
          ];
        }"""
    )
    assert looks == ["abc", "abe", "abe", "abf", "acf", "acb", "acd", "acb"]


async def test_of_a_crowd_some_have_tiles_and_all_are_in_the_list(tabs: Tabs, server: Server) -> None:
    async with AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(Signaling(server.url, "crowd")) for _ in range(40)]
        for number, one in enumerate(crowd):
            await one.join(f"P{number}")
        ana = await MeetingPage.join(tabs, server.url, "crowd", "Ana")
        await ana.page.locator(".tile.more", has_text="and 17 more").wait_for()
        assert await ana.page.locator("li.tile:not(.more)").count() == 24
        await ana.press("people")
        await ana.page.get_by_text("41 in the meeting").wait_for()
        assert await ana.page.locator(".person").count() == 41
        await ana.press("chat")
        assert await ana.page.locator("#chat-to option").count() == 41
        await crowd[39].send({"type": "hand", "raised": True})
        await ana.press("people")
        await ana.page.locator(".person:first-child", has_text="P39").wait_for()
        assert ana.tab.errors == []
