"""An hour happens once, whoever starts it how often, and one that was cut off is completed."""

import asyncio
import signal
from pathlib import Path

from sqlalchemy import func, select

from activities.messages import BackfillIn, HourOut, LaunchIn, ReconcileIn
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading
from adapters.storage.hours import Hour, PortfolioHour
from adapters.storage.lived import lived
from adapters.storage.orders import OrderRow
from adapters.storage.outbox import Alert
from tests.lively import LIVELY, backtested
from tests.replaying import Replay, made_up, replaying, start_worker
from trading.clock import TradingHour
from trading.execution.orders import State
from trading.live.record import difference
from workflows.backfill import BackfillWorkflow
from workflows.names import TRADING, backfill_id, hour_id, reconciliation_id
from workflows.reconciliation import ReconciliationWorkflow
from workflows.trading_hour import LaunchWorkflow

BUSY_H = 52
"""Where the first hours have entries."""


def rows(replay: Replay, table: type, hour: TradingHour) -> int:
    with reading(connect(replay.database)) as session:
        return session.scalar(select(func.count()).select_from(table).where(table.asof == hour.asof)) or 0


async def launched(replay: Replay, hour: TradingHour, id: str) -> HourOut:
    return await replay.client.execute_workflow(
        LaunchWorkflow.run, LaunchIn(track=replay.terms.track, asof=hour.asof), id=id, task_queue=TRADING
    )


async def entries_rest(replay: Replay, hour: TradingHour) -> None:
    """Wait until an entry of that hour works at the venue."""
    working = (OrderRow.asof == hour.asof, OrderRow.state == State.WORKING, OrderRow.lots > 0)
    for _ in range(400):
        with reading(connect(replay.database)) as session:
            if session.scalar(select(func.count()).select_from(OrderRow).where(*working)):
                return
        await asyncio.sleep(0.1)
    raise AssertionError("no entry came to rest")


def test_an_hour_is_done_once_completed_when_cut_off_and_known_to_be_late(tmp_path: Path) -> None:
    """One replay for three stories, because starting one takes longer than each of them."""
    assert asyncio.run(the_stories(tmp_path)) == 4


async def the_stories(folder: Path) -> int:
    """Tell them; returns how many were told."""
    market = made_up(folder / "bars", BUSY_H)
    async with replaying(folder, market, "exercise", config=LIVELY) as replay:
        await asyncio.wait_for(launched_again(replay, market.first), 300)
        await asyncio.wait_for(cut_off(replay, market.first.next), 300)
        key = PortfolioKey(replay.terms.track, "main")
        there = backtested(market, "exercise", LIVELY, 2)
        assert difference(lived(connect(replay.database), key), there) is None
        await asyncio.wait_for(begun_late(replay, market.first.next.next), 300)
        await asyncio.wait_for(asked_by_hand(replay, market.first), 120)
    return 4


async def launched_again(replay: Replay, hour: TradingHour) -> None:
    first = await replay.driver.run_hour(hour)
    assert (first.outcome, first.settled) == ("DONE", 1)
    again = await launched(replay, hour, "somebody-else")
    assert (again.outcome, again.reason) == ("REPEATED", "DONE")
    assert (rows(replay, Hour, hour), rows(replay, PortfolioHour, hour)) == (1, 1)


async def cut_off(replay: Replay, hour: TradingHour) -> None:
    """Terminate the hour and kill the worker while the hour is at work; then start both again."""
    driving = asyncio.ensure_future(replay.driver.run_hour(hour))
    await entries_rest(replay, hour)
    replay.worker.send_signal(signal.SIGKILL)
    replay.worker.wait()
    handle = replay.client.get_workflow_handle(hour_id(replay.terms.track, hour.asof))
    await handle.terminate("test")
    driving.cancel()
    replay.worker = start_worker(replay.terms, replay.folder)
    out = await replay.driver.run_hour(hour)
    assert out.outcome == "DONE"
    assert rows(replay, Hour, hour) == 1


async def asked_by_hand(replay: Replay, hour: TradingHour) -> None:
    """A comparison and a backfill that somebody starts: all agrees, and all is there already."""
    track = replay.terms.track
    compared = await replay.client.execute_workflow(
        ReconciliationWorkflow.run,
        ReconcileIn(track=track, portfolio="main"),
        id=reconciliation_id(track, "main"),
        task_queue=TRADING,
    )
    assert (compared.unexplained, compared.findings) == ((), 0)
    span = BackfillIn(
        track=track, venue="kraken", instruments=("BTC/USD",), first=hour.asof, last=hour.next.asof
    )
    filled = await replay.client.execute_workflow(
        BackfillWorkflow.run, span, id=backfill_id(track, "kraken"), task_queue=TRADING
    )
    assert filled.added == 0


async def begun_late(replay: Replay, hour: TradingHour) -> None:
    """Nobody starts the hour until minute 20: exits go on, entries do not; a reason, an alert."""
    replay.venue.control("advance", to_s=hour.asof.timestamp() + 1_200)
    out = await replay.driver.run_hour(hour)
    assert (out.outcome, out.reason) == ("DONE", "late")
    with reading(connect(replay.database)) as session:
        end = session.get_one(PortfolioHour, (replay.terms.track, "main", hour.asof))
        bought = session.scalars(select(OrderRow).where(OrderRow.asof == hour.asof, OrderRow.lots > 0)).all()
        alerts = session.scalars(select(Alert.kind)).all()
    assert end.outcome in ("STALE", "TRADED")
    assert not bought
    assert "late-hour" in alerts
