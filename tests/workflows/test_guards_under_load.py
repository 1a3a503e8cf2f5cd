"""Batches wait for guards, so guards must get through however busy the batches keep a worker."""

import asyncio
from pathlib import Path

import pytest
from temporalio import activity

from activities.halt import HaltActivities
from activities.halt_messages import HaltStart
from activities.messages import GuardRules, MarkIn, ReconcileIn, ReconcileOut
from adapters.clock import SystemClock
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import unit_of_work
from adapters.storage.portfolios import open_portfolio
from adapters.storage.trading_state import TradingStates
from temporal.latch import WorkflowLatch
from tests.devserver import DevServer
from tests.halting import CONFIG, EQUITY, START, Edges, database
from tests.stored import NOW
from trading.risk.live_triggers import SPREAD_ANOMALY
from trading.risk.trading_state import REDUCING
from worker import main
from workflows.names import GUARD, TRADING, reconciliation_id
from workflows.reconciliation import ReconciliationWorkflow

TRACK = "replay-t"
NAMES = ("first", "second", "third")


def start_of(track: str, portfolio: str) -> HaltStart:
    rules = GuardRules.of(CONFIG.limits, CONFIG.kill_switch)
    return HaltStart(track=track, portfolio=portfolio, rules=rules, approvals_required=1)


async def told(server: DevServer, folder: Path) -> list[ReconcileOut]:
    """What batches came to that told a mark each, one for every slot of the worker and one more."""
    client, engine = await server.connect(), database(folder, PortfolioKey(TRACK, NAMES[0]))
    with unit_of_work(engine) as session:
        for name in NAMES[1:]:
            open_portfolio(session, PortfolioKey(TRACK, name), "USD", NOW)
    states, edges = TradingStates(engine, SystemClock()), Edges()
    latch = WorkflowLatch(client, states, start_of)

    @activity.defn(name="reconcile_now")
    def batch(told: ReconcileIn) -> ReconcileOut:
        mark = MarkIn(
            portfolio=told.portfolio,
            asof=START.asof,
            equity=EQUITY,
            flows=0,
            triggers=(SPREAD_ANOMALY,),
            seen=latch.tellings(TRACK, told.portfolio),
        )
        return ReconcileOut(portfolio=latch.mark(TRACK, mark).state, findings=activity.info().attempt)

    hands = HaltActivities(states, edges, edges, edges)
    async with main.workers(client, {TRADING: [batch, *hands.errands()], GUARD: hands.records()}):
        return await asyncio.gather(
            *(
                client.execute_workflow(
                    ReconciliationWorkflow.run,
                    ReconcileIn(track=TRACK, portfolio=name),
                    id=reconciliation_id(TRACK, name),
                    task_queue=TRADING,
                )
                for name in NAMES
            )
        )


def test_guards_answer_and_record_while_batches_hold_every_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "SLOTS", main.SLOTS | {TRADING: 2})
    server = DevServer(tmp_path)
    server.start()
    try:
        outs = asyncio.run(told(server, tmp_path))
    finally:
        server.stop()
    # At the first attempt: batches that gave up would find slots free the next time.
    assert [(out.portfolio, out.findings) for out in outs] == [(REDUCING, 1)] * len(NAMES)
