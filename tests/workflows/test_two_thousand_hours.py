"""Months of real hours, lived through engine, worker and simulator, are the backtest's byte for byte.

Whoever halts is reviewed by people: one asks, is refused as its own approver, and another approves.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading
from adapters.storage.halts import Halts
from adapters.storage.lived import lived
from adapters.storage.states import Proof
from tests.halting import Guard
from tests.lively import backtested
from tests.replaying import Market, Replay, replaying
from tests.stormy import CROWDED_H, REVIEW_AFTER_H, STEEP, STORMY, happened, real
from trading.config import TradingConfig
from trading.live.record import Record, difference
from trading.risk.trading_state import ACTIVE, HALTED

HOURS = int(os.environ.get("BALLAST_REPLAY_HOURS", "2000"))
TOLD_EVERY = 100
DEADLINE_S = 300
ENOUGH_H = 2_000
WANTED = {
    "orders": 200,
    "stop filled": 20,
    "fallback filled": 20,
    "filled in part": 20,
    "denied": 20,
    "halts": 1,
    "resumes": 1,
}
"""What so many hours must hold at least."""


class People:
    """Two who look at the trading state after every hour, and lift a halt a day after it came."""

    def __init__(self, replay: Replay, review_after_h: int) -> None:
        self._key = PortfolioKey(replay.terms.track, "main")
        self._engine = connect(replay.database)
        self._guard = Guard(replay.client, self._key)
        self._review_after_h = review_after_h
        self._halted_h = 0

    def state(self) -> str:
        with reading(self._engine) as session:
            return Halts(session, self._key).standing().state

    async def look(self) -> None:
        """After an hour is over: the review ends before the hour at which a backtest has its own."""
        self._halted_h = self._halted_h + 1 if self.state() == HALTED else 0
        if self._halted_h < self._review_after_h:
            return
        halt = (await self._guard.status()).halt_id
        assert (await self._guard.request("ada", halt)).accepted
        assert "somebody else" in (await self._guard.approve("ada", halt)).refusal
        approved = await self._guard.approve("bob", halt)
        assert (approved.accepted, approved.state) == (True, ACTIVE)
        self._halted_h = 0

    def record(self) -> Record:
        return lived(self._engine, self._key)

    def unproved(self) -> list[str]:
        """What another process found in the hours that it computed again."""
        with reading(self._engine) as session:
            return list(session.scalars(select(Proof.note).where(~Proof.held)))


class Span(NamedTuple):
    """Hours to live, and the rules to live them by."""

    market: Market
    config: TradingConfig
    hours: int
    review_after_h: int

    def check(self, here: Record, hours: int) -> None:
        """The first hours against a backtest of them."""
        there = backtested(self.market, "exercise", self.config, hours, self.review_after_h)
        assert difference(here, there) is None, f"within {hours} hours"
        assert len(here.accounts) == hours


async def replayed(folder: Path, span: Span) -> tuple[Record, list[float]]:
    """What was lived, found to be the backtest's, and how long each hour took."""
    taken: list[float] = []
    async with replaying(folder, span.market, "exercise", config=span.config) as replay:
        people, hour = People(replay, span.review_after_h), span.market.first
        for number in range(1, span.hours + 1):
            begun = time.perf_counter()
            await asyncio.wait_for(replay.driver.run_hour(hour), DEADLINE_S)
            taken.append(time.perf_counter() - begun)
            await people.look()
            hour = hour.next
            if number % TOLD_EVERY == 0 or number == span.hours:
                span.check(people.record(), number)
                assert people.unproved() == []
                tell(f"{number} hours in {sum(taken):.0f} s, no difference")
        return people.record(), taken


def tell(said: str) -> None:
    sys.stdout.write(f"{said}; load {os.getloadavg()[0]:.1f}\n")
    sys.stdout.flush()


@pytest.mark.slow
def test_a_review_by_people_is_the_backtests_review(tmp_path: Path, market_data: Path) -> None:
    """Hours that lose so much of a portfolio without caps that its first percent is gone within a day."""
    span = Span(real(tmp_path, market_data, 30, CROWDED_H), STEEP, 30, 3)
    told = happened(asyncio.run(replayed(tmp_path, span))[0])
    assert (told["halts"], told["resumes"]) == (1, 1)


@pytest.mark.slow
@pytest.mark.timeout(6 * 3_600)
def test_months_of_real_hours_are_the_backtests_byte_for_byte(tmp_path: Path, market_data: Path) -> None:
    """As many hours as `BALLAST_REPLAY_HOURS` says, 2,000 if it says nothing."""
    span = Span(real(tmp_path, market_data, HOURS), STORMY, HOURS, REVIEW_AFTER_H)
    record, taken = asyncio.run(replayed(tmp_path, span))
    told, ordered = happened(record), sorted(taken)
    tell(", ".join(f"{name} {count}" for name, count in sorted(told.items())))
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    tell(f"{len(taken)} hours in {sum(taken):.0f} s: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")
    if len(taken) >= ENOUGH_H:
        lacking = {name: told[name] for name, count in WANTED.items() if told[name] < count}
        assert not lacking, "too quiet to show anything"
