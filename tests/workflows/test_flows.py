"""Deposits and withdrawals at the venue move units, not drawdown; a reward is income."""

import asyncio
from pathlib import Path

from sqlalchemy import select

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading
from adapters.storage.hours import PortfolioHour
from adapters.storage.states import FoldedFlow, Mark
from tests.replaying import CASH, UNITS, Replay, made_up, replaying
from trading.clock import TradingHour
from trading.risk.trading_state import ACTIVE

PPM = 1_000_000


async def hour_after(replay: Replay, hour: TradingHour, **moved: str) -> Mark:
    """Move something at the venue, run the hour after it, return its mark."""
    if moved:
        replay.venue.control("deposit", **moved)
    await asyncio.wait_for(replay.driver.run_hour(hour), 300)
    with reading(connect(replay.database)) as session:
        key = PortfolioKey(replay.terms.track, "main")
        end = session.get_one(PortfolioHour, (*key, hour.asof))
        assert end.outcome == "NO_CHANGE", end.reason
        return session.get_one(Mark, (*key, hour.asof))


def unit_ppm(mark: Mark) -> int:
    """Value of a unit; the first one was worth a million."""
    return mark.equity * PPM // mark.units


async def the_story(folder: Path) -> int:
    """Returns how many flows were folded."""
    market = made_up(folder / "bars", 0)
    async with replaying(folder, market, "cash") as replay:
        hour = market.first
        first = await hour_after(replay, hour)
        assert (first.equity, unit_ppm(first)) == (CASH * UNITS, PPM)
        richer = await hour_after(replay, hour := hour.next, asset="USD", amount=str(CASH // 2))
        assert (richer.flow, richer.equity) == (CASH // 2 * UNITS, CASH * 3 // 2 * UNITS)
        poorer = await hour_after(replay, hour := hour.next, asset="USD", amount=str(-CASH))
        assert (poorer.flow, poorer.equity) == (-CASH * UNITS, CASH // 2 * UNITS)
        assert (poorer.state, poorer.tier, poorer.peak) == (ACTIVE, 0, poorer.equity), "no drawdown"
        coins = await hour_after(replay, hour := hour.next, asset="XBT", amount="1.5")
        assert coins.flow > 0
        assert coins.equity == poorer.equity + coins.flow
        assert coins.cash == poorer.cash
        for mark in (richer, poorer, coins):
            assert abs(unit_ppm(mark) - PPM) <= 1
        income = await hour_after(replay, hour := hour.next, asset="USD", amount="1000", kind="staking")
        assert income.flow == 0
        assert income.cash == coins.cash + 1_000 * UNITS
        with reading(connect(replay.database)) as session:
            return len(session.scalars(select(FoldedFlow)).all())


def test_flows_move_units_and_neither_drawdown_nor_reconciliation(tmp_path: Path) -> None:
    assert asyncio.run(the_story(tmp_path)) == 4
