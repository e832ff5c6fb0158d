"""One message a round of the event loop, the quietest client's first."""

import asyncio

from signaling.turns import Turns
from tests.harness.transport_client import until


async def test_who_has_cost_least_goes_first_and_one_goes_a_round() -> None:
    turns = Turns()
    order: list[float] = []
    rounds: list[int] = []
    number = 0

    async def count_rounds() -> None:
        nonlocal number
        while True:
            number += 1
            await asyncio.sleep(0)

    async def one(spent_s: float) -> None:
        await turns.take(spent_s)
        order.append(spent_s)
        rounds.append(number)

    counting = asyncio.create_task(count_rounds())
    await asyncio.gather(*(one(spent_s) for spent_s in (9.0, 5.0, 1.0, 7.0, 3.0)))
    assert order == [9.0, 1.0, 3.0, 5.0, 7.0], "the first one found it free"
    assert len(set(rounds)) == 5
    counting.cancel()


async def test_a_turn_of_somebody_who_is_gone_is_given_to_the_next() -> None:
    turns = Turns()
    taken: list[int] = []

    async def one(number: int) -> None:
        await turns.take(float(number))
        taken.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert taken == [0, 2, 4]
    await until(lambda: turns._free)
    await turns.take(0.0)
