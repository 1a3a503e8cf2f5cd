"""The same hours lived through engine, worker and simulator give the backtest's record, byte for byte."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect
from adapters.storage.lived import lived
from tests.lively import LIVELY, backtested
from tests.replaying import made_up, replaying
from trading.live.record import Record, difference

BUSY_H = 36
"""Where stops, exits, limits and fallbacks come within eight hours."""


async def replayed(folder: Path, hours: int, options: tuple[str, ...] = ()) -> tuple[Record, Record]:
    """What was lived, and what a backtest of the same bars says."""
    market = made_up(folder / "bars", BUSY_H)
    async with replaying(folder, market, "exercise", config=LIVELY, options=options) as replay:
        hour = market.first
        for _ in range(hours):
            await asyncio.wait_for(replay.driver.run_hour(hour), 300)
            hour = hour.next
        here = lived(connect(replay.database), PortfolioKey(replay.terms.track, "main"))
    return here, backtested(market, "exercise", LIVELY, hours)


def kinds(record: Record) -> Counter[str]:
    return Counter(json.loads(line)["kind"] for line in record.fills)


def test_replayed_hours_are_the_backtests_byte_for_byte(tmp_path: Path) -> None:
    here, there = asyncio.run(replayed(tmp_path, 8))
    assert difference(here, there) is None
    assert len(here.accounts) == 8
    assert set(kinds(here)) == {"limit", "exit", "stop", "fallback"}, "a quiet span proves little"


@pytest.mark.slow
def test_days_of_replayed_hours_are_the_backtests_byte_for_byte(tmp_path: Path) -> None:
    here, there = asyncio.run(replayed(tmp_path, 300))
    assert difference(here, there) is None
    assert set(kinds(here)) >= {"limit", "exit", "stop", "fallback"}


def test_another_fee_in_the_simulators_process_is_found_where_it_shows_first(tmp_path: Path) -> None:
    here, there = asyncio.run(replayed(tmp_path, 1, ("--fees", "kraken-2026-07")))
    found = difference(here, there)
    assert found is not None
    assert found.part == "fills"
    assert found.columns == ("fee",)
