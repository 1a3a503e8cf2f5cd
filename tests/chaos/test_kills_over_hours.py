"""Worker and engine are killed at random moments over many replayed hours: nothing comes out otherwise."""

import asyncio
import os
import random
import sys
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect
from tests.replaying import Market, Replay, replaying, start_worker
from tests.stormy import CROWDED, CROWDED_H, STORMY, happened, real
from tests.written import Written, check_same, written
from trading.clock import TradingHour
from trading.config import TradingConfig
from trading.errors import VenueUnavailable

HOURS = int(os.environ.get("BALLAST_CHAOS_HOURS", "500"))
BUSY = 60
SEED = int(os.environ.get("BALLAST_CHAOS_SEED", "1"))
PAUSE_S = (0.2, 40.0)
"""Between the return of one part and the death of the next."""
HOUR_S, AGAIN_S = 300.0, 0.5
TOLD_EVERY = 10


class Reaper:
    """Kills the worker and the engine in turn, and starts each again at once, as a supervisor does."""

    def __init__(self, replay: Replay) -> None:
        self._replay, self._draw = replay, random.Random(SEED)
        self.killed = {"worker": 0, "engine": 0}

    async def go_on(self, over: asyncio.Event) -> None:
        """Until it is over, and every part runs again."""
        for part in cycle(self.killed):
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._draw.uniform(*PAUSE_S))
                return
            await asyncio.to_thread(self.kill, part)

    def kill(self, part: str) -> None:
        replay = self._replay
        if part == "worker":
            replay.worker.kill()
            replay.worker.wait()
            replay.worker = start_worker(replay.terms, replay.folder)
        else:
            replay.engine.kill()
            replay.engine.start()
        self.killed[part] += 1


async def patiently(replay: Replay, hour: TradingHour) -> None:
    """One hour, gone on with as long as what died comes back."""
    until_s = time.monotonic() + HOUR_S
    while True:
        try:
            await asyncio.wait_for(replay.driver.run_hour(hour), HOUR_S)
        except (VenueUnavailable, RPCError, WorkflowFailureError) as error:
            assert time.monotonic() < until_s, f"hour {hour} does not end: {error}"
            await asyncio.sleep(AGAIN_S)
        else:
            return


class Span(NamedTuple):
    """Hours to live, and the rules to live them by."""

    market: Market
    config: TradingConfig
    hours: int


async def traded(folder: Path, span: Span, *, killing: bool) -> Written:
    """What so many hours come to."""
    folder.mkdir()
    async with replaying(folder, span.market, "exercise", config=span.config) as replay:
        reaper, over, begun = Reaper(replay), asyncio.Event(), time.monotonic()
        reaping = asyncio.ensure_future(reaper.go_on(over) if killing else over.wait())
        for number in range(span.hours):
            await patiently(replay, TradingHour(span.market.first.number + number))
            if number % TOLD_EVERY == TOLD_EVERY - 1:
                tell(f"{number + 1} hours in {time.monotonic() - begun:.0f} s, killed {reaper.killed}")
        over.set()
        await reaping
        assert not killing or min(reaper.killed.values()) >= span.hours // 50
        return written(connect(replay.database), PortfolioKey(replay.terms.track, "main"))


def tell(said: str) -> None:
    sys.stdout.write(f"{said}; load {os.getloadavg()[0]:.1f}\n")
    sys.stdout.flush()


def check_unharmed(folder: Path, span: Span) -> None:
    """Live the span twice, once under kills."""
    undisturbed = asyncio.run(traded(folder / "calm", span, killing=False))
    told = happened(undisturbed.record)
    tell(", ".join(f"{name} {count}" for name, count in sorted(told.items())))
    assert told["orders"] > span.hours // 5, "too quiet to show anything"
    check_same(undisturbed, asyncio.run(traded(folder / "harsh", span, killing=True)))


@pytest.mark.slow
@pytest.mark.timeout(12 * 3_600)
def test_kills_at_random_moments_of_months_change_nothing(tmp_path: Path, market_data: Path) -> None:
    """As many hours as `BALLAST_CHAOS_HOURS` says, 500 if it says nothing; another seed draws others."""
    check_unharmed(tmp_path, Span(real(tmp_path, market_data, HOURS), STORMY, HOURS))


@pytest.mark.slow
@pytest.mark.timeout(2 * 3_600)
def test_kills_at_random_moments_of_busy_days_change_nothing(tmp_path: Path, market_data: Path) -> None:
    check_unharmed(tmp_path, Span(real(tmp_path, market_data, BUSY, CROWDED_H), CROWDED, BUSY))
