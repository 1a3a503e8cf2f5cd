"""Deposits, withdrawals and hours in which we were down, through a whole contest on a made-up market."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from cli.data import make_market
from cli.running import ENSEMBLE, Request, prepare
from trading.backtest import frames
from trading.backtest.contest import contest
from trading.codes import FILL_EXIT, FILL_KINDS, FILL_STOP, FILL_STOP_GAP, MISSED
from trading.ledger.journal import post
from trading.ledger.performance import metrics
from trading.ledger.statement import prove, statement
from trading.models.protocol import nothing

DEPOSIT, WITHDRAWAL = 25_000 * 100_000_000, -40_000 * 100_000_000


class Market:
    """One made-up market, and an eager predictor on it, so that there is something to stop out."""

    def __init__(self, home):
        made = make_market(home, seed=7, years=1, instruments=4)
        request = Request(date(2024, 6, 1), date(2024, 10, 31), ENSEMBLE, "mission", made["venue"])
        self.plan, self.scene, _ = prepare(request, home)
        hours, count = self.plan.last - self.plan.first + 1, len(self.scene.grid.instruments)
        sure, much = np.full((hours, count), 0.7), np.full((hours, count), 0.05)
        self.predictions = nothing(self.plan.first, hours, count)._replace(
            p4=sure, p24=sure, e24=much, e_hold=much
        )

    def run(self, **changed):
        """The judged portfolio's logs under a changed plan, once its journal has been proved."""
        plan = replace(self.plan, **changed)
        result = contest(plan, self.scene, self.predictions, lambda done, total: None)
        logs, instruments = result.logs[plan.predictor], self.scene.instruments
        record = frames.record(logs, instruments)
        self.journal = post(plan.opening, record.fills, record.equity, plan.flows, instruments)
        prove(self.journal, result.closing, instruments)
        return logs, record


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return Market(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def plain(market):
    return market.run()


def unit_value(rows):
    return rows["equity"] / rows["units"]


def test_a_deposit_or_withdrawal_changes_neither_unit_value_nor_drawdown(market, plain):
    at = {market.plan.first + 500: DEPOSIT, market.plan.first + 900: WITHDRAWAL}
    logs, _ = market.run(flows=at)
    before, after = plain[0].equity, logs.equity
    for name in after.dtype.names:
        assert (after[name][:500] == before[name][:500]).all()
    booked = np.diff(after["cash"].astype(np.int64))
    for hour, amount in at.items():
        row = hour - market.plan.first
        fills = logs.fills[logs.fills["hour"] == hour - 1]
        traded = np.where(fills["lots"] > 0, -fills["value"], fills["value"]) - fills["fee"]
        assert booked[row - 1] == amount + traded.sum()
    # In the hour of the first flow money and units differ, but not what a unit is worth.
    for name in ("peak", "lifetime_peak"):
        fall, wanted = (1 - run["equity"][500] / run[name][500] for run in (after, before))
        assert fall == pytest.approx(wanted, abs=1e-12)
    assert unit_value(after)[500] == pytest.approx(unit_value(before)[500], rel=1e-12)
    assert after["units"][500] > before["units"][500] == before["units"][0]


def test_flows_are_no_return(market):
    first = market.plan.first
    flows = {first: DEPOSIT, first + 24: WITHDRAWAL, first + 700: DEPOSIT}
    _, record = market.run(predictor="cash", flows=flows)
    of = metrics(record.equity, record.fills)
    assert (of.max_drawdown, of.max_monthly_drawdown) == (0.0, 0.0)
    assert of.cagr == pytest.approx(0.0, abs=1e-12)
    assert record.equity["equity"][-1] == 100_000 + 25_000 - 40_000 + 25_000


def test_flows_are_entries_of_the_journal_and_an_impossible_one_is_not(market):
    first = market.plan.first
    market.run(predictor="cash", flows={first + 1: DEPOSIT, first + 2: -(10**15), first + 3: WITHDRAWAL})
    held = {account: amount for account, _, amount in statement(market.journal).iter_rows()}
    assert held == {
        "cash": 10**13 + DEPOSIT + WITHDRAWAL,
        "deposits": -(10**13) - DEPOSIT,
        "withdrawals": -WITHDRAWAL,
    }


def test_missed_hours_are_observed_and_stops_still_act(market, plain):
    fills = plain[0].fills
    stop = fills[fills["kind"] == FILL_STOP][0]
    missed = range(stop["hour"] - 2, stop["hour"] + 3)
    logs, record = market.run(missed=missed)
    rows = logs.equity[missed.start - market.plan.first : missed.stop - market.plan.first]
    assert (rows["outcome"] == MISSED).all()
    assert len(np.unique(rows["equity"])) > 1
    inside = np.isin(logs.fills["hour"], list(missed))
    assert set(logs.fills["kind"][inside]) <= {FILL_STOP, FILL_STOP_GAP}
    assert stop.tobytes() in {fill.tobytes() for fill in logs.fills[inside]}
    assert not np.isin(logs.decisions["hour"], list(missed)).any()
    assert frames.skipped(logs.equity)["MISSED"] == len(missed)
    assert record.equity.filter(pl.col("outcome") == "MISSED").height == len(missed)


def test_an_exit_that_fell_due_in_missed_hours_is_made_afterwards(market, plain):
    fills = plain[0].fills
    due = fills[fills["kind"] == FILL_EXIT][0]
    missed = range(due["hour"], due["hour"] + 6)
    logs, _ = market.run(missed=missed)
    of_it = logs.fills[(logs.fills["instrument"] == due["instrument"]) & (logs.fills["hour"] >= due["hour"])]
    assert of_it["hour"][0] >= due["hour"]
    assert FILL_KINDS[of_it["kind"][0]] in {"exit", "stop", "stop gap"}
    assert of_it["kind"][0] != FILL_EXIT or of_it["hour"][0] >= missed.stop


def test_a_whole_run_that_was_missed_trades_nothing(market):
    logs, _ = market.run(missed=range(market.plan.first, market.plan.last + 1))
    assert len(logs.fills) == len(logs.decisions) == 0
    assert (logs.equity["equity"] == market.plan.opening).all()


def test_a_halt_stays_until_it_is_reviewed(market):
    tight = market.plan.config._replace(
        limits=market.plan.config.limits._replace(
            drawdown_small_pct=1, drawdown_large_pct=2, drawdown_halt_pct=3, drawdown_hysteresis_pct=1
        )
    )
    for_ever, _ = market.run(config=tight)
    halted = for_ever.equity["halted"] != 0
    first = int(np.argmax(halted))
    assert halted[first:].all()
    trip = for_ever.equity["hour"][first]
    assert not (for_ever.fills["lots"][for_ever.fills["hour"] >= trip] > 0).any()
    reviewed, _ = market.run(config=tight, review_after_h=48)
    rows = reviewed.equity[reviewed.equity["hour"] >= trip]
    assert (rows["halted"][:48] != 0).all()
    assert rows["halted"][48] == 0
    assert rows["peak"][48] == rows["equity"][48] < rows["lifetime_peak"][48]
    assert (reviewed.fills["lots"][reviewed.fills["hour"] >= trip + 48] > 0).any()
