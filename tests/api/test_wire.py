"""Blocking work asked for by many at once."""

from __future__ import annotations

import asyncio
import threading

from corpushub.api.wire import THREADS, run, run_once
from corpushub.base.errors import NotFound


def test_who_asks_the_same_at_the_same_time_shares_one_answer_and_later_ones_get_a_new_one() -> None:
    asked: list[str] = []
    open_now = threading.Event()

    def look(name: str) -> str:
        open_now.wait(10)
        asked.append(name)
        return f"{name} {len(asked)}"

    async def many() -> tuple[list[str], str]:
        waiting = [asyncio.ensure_future(run_once("a", look, "a")) for _ in range(20)]
        await asyncio.sleep(0)
        open_now.set()
        return await asyncio.gather(*waiting), await run_once("a", look, "a")

    assert asyncio.run(many()) == (["a 1"] * 20, "a 2")


def test_one_who_goes_away_takes_the_answer_from_nobody_and_a_refusal_reaches_all() -> None:
    open_now = threading.Event()

    def refuse() -> str:
        open_now.wait(10)
        raise NotFound("repo.unknown", repo="a/b")

    async def many() -> list[str | BaseException]:
        waiting = [asyncio.ensure_future(run_once("a", refuse)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        open_now.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    first, *others = asyncio.run(many())
    assert isinstance(first, asyncio.CancelledError)
    assert [type(other) for other in others] == [NotFound, NotFound]


def test_blocking_work_goes_on_while_the_loop_is_busy() -> None:
    done: list[int] = []
    every = threading.Event()

    def work(number: int) -> None:
        done.append(number)
        if len(done) == 5 * THREADS:
            every.set()

    async def ask() -> bool:
        asked = [asyncio.ensure_future(run(work, number)) for number in range(5 * THREADS)]
        await asyncio.sleep(0)
        finished = every.wait(10)  # the loop does nothing else meanwhile
        await asyncio.gather(*asked)
        return finished

    assert asyncio.run(ask())
