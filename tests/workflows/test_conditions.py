"""What only a running hour sees: silent while nothing is wrong, and each trigger fires when it is."""

import asyncio
import json
from pathlib import Path
from typing import Any

from adapters.conditions import CONDITIONS
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading
from adapters.storage.hours import Observation
from adapters.storage.states import Mark
from tests.replaying import Replay, made_up, replaying
from trading.clock import TradingHour
from trading.risk.live_triggers import API_INSTABILITY, CLOCK_SKEW, SPREAD_ANOMALY
from trading.risk.trading_state import ACTIVE, REDUCING


async def hour_with(replay: Replay, hour: TradingHour, fault: dict[str, Any] | None) -> tuple[list[str], str]:
    """Run an hour at a venue with a fault; returns what fired, and the trading state."""
    if fault:
        replay.venue.control("fault", **fault)
    await asyncio.wait_for(replay.driver.run_hour(hour), 300)
    replay.venue.control("clear")
    with reading(connect(replay.database)) as session:
        seen = session.get_one(Observation, (replay.terms.track, hour.asof, CONDITIONS))
        mark = session.get_one(Mark, (*PortfolioKey(replay.terms.track, "main"), hour.asof))
    fired: list[str] = json.loads(seen.summary)["fired"]
    return fired, mark.state


async def the_story(folder: Path) -> int:
    market = made_up(folder / "bars", 0)
    async with replaying(folder, market, "cash") as replay:
        hour = market.first
        assert await hour_with(replay, hour, None) == ([], ACTIVE)
        faults = (
            ({"kind": "book", "endpoint": "Depth", "args": {"how": "wide"}}, SPREAD_ANOMALY),
            ({"kind": "skew", "args": {"seconds": 60}}, CLOCK_SKEW),
            ({"kind": "http", "endpoint": "OHLC", "count": 3, "args": {"status": 503}}, API_INSTABILITY),
        )
        for fault, trigger in faults:
            hour = hour.next
            fired, state = await hour_with(replay, hour, fault)
            assert (fired, state) == ([trigger], REDUCING)
        return len(faults)


def test_each_condition_fires_by_its_fault_and_by_nothing_else(tmp_path: Path) -> None:
    assert asyncio.run(the_story(tmp_path)) == 3
