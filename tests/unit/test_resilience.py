"""Records without their luckiest parts, the size of an edge, and who is better among many."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from trading.backtest.inputs import Scene
from trading.backtest.report import Record
from trading.evaluation.resilience import edge, without_luck
from trading.evaluation.superior import superior
from trading.ledger.performance import metrics

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 91
LUCK = 5_000.0


def record(fills: list[dict[str, Any]]) -> Record:
    """91 days from 100,000: one percent up on 10 February, what was sold on its day, nothing else."""
    worth, rows = 100_000.0, []
    for hour in range(24 * DAYS + 1):
        asof = BEGIN + timedelta(hours=hour)
        worth += 1_000.0 if asof == datetime(2024, 2, 10, 12, tzinfo=UTC) else 0.0
        worth += sum(f["pnl"] or 0.0 for f in fills if f["asof"] + timedelta(hours=1) == asof)
        rows.append({"asof": asof, "equity": worth, "units": 100_000.0, "exposure": 0.0})
    schema = {"asof": pl.Datetime("us", "UTC"), "instrument": pl.String, "side": pl.String}
    schema |= dict.fromkeys(("value", "fee", "slippage", "pnl"), pl.Float64)
    return Record(pl.DataFrame(rows), pl.DataFrame(fills, schema=schema))


def fill(day: int, side: str, pnl: float | None, coin: str = "ETH/USD") -> dict[str, Any]:
    asof = BEGIN + timedelta(days=day, hours=5)
    return {
        **{"asof": asof, "instrument": coin, "side": side, "pnl": pnl},
        **{"value": 10_000.0, "fee": 40.0, "slippage": 10.0},
    }


LUCKY = record([fill(20, "buy", None), fill(40, "sell", LUCK), fill(70, "sell", -300.0, "BTC/USD")])


def test_without_its_best_parts_a_record_earned_that_much_less():
    month, coin, closings = without_luck(LUCKY)
    assert month.name == "best month, 2024-02"
    assert month.cagr < 0 < metrics(*LUCKY).cagr
    assert coin.name == "best coin, ETH/USD"
    kept = np.log(1 + coin.cagr) * DAYS / 365
    assert kept == pytest.approx(np.log(1 + (1_000 - 300) / 100_000), abs=3e-4)
    assert closings.cagr == pytest.approx(0.01 * 365 / DAYS, rel=0.05)


def test_a_record_without_trades_has_only_months():
    assert [left.name for left in without_luck(record([]))] == ["best month, 2024-02"]


def scene(volume: float) -> Scene:
    """One coin that moves 4 % up and down from day to day."""
    first = int(BEGIN.timestamp()) // 3600
    closes = 100.0 * np.exp(0.04 * (np.arange(24 * DAYS) // 24 % 2))[:, None]
    return cast(
        Scene,
        SimpleNamespace(
            grid=SimpleNamespace(first=first, close=closes),
            universe=SimpleNamespace(day_first=first, notional=np.full((DAYS, 1), volume)),
            instruments=[SimpleNamespace(name="ETH/USD")],
        ),
    )


def test_an_edge_is_what_came_before_costs_and_carries_as_much_as_its_market():
    traded = record([fill(20, "buy", None), fill(40, "sell", 300.0)])
    found, deeper = edge(traded, scene(1e6)), edge(traded, scene(2e6))
    assert found is not None
    assert deeper is not None
    assert (found.gross, found.cost) == pytest.approx((0.04, 0.01))
    assert found.capacity == pytest.approx(1e6 * (0.04 / 0.16) ** 2 / 0.1, rel=0.1)
    assert deeper.capacity == pytest.approx(2 * (found.capacity or 0.0))
    assert edge(record([]), scene(1e6)) is None
    loss = edge(record([fill(40, "sell", -300.0)]), scene(1e6))
    assert loss is not None
    assert loss.capacity is None


def test_the_best_of_many_lucky_ones_is_not_better_and_a_good_one_is_named():
    random = np.random.default_rng(3)
    market = random.normal(0.0, 0.01, 1_500)
    lucky = market[:, None] + random.normal(0.0, 0.01, (1_500, 30))
    nothing = superior(lucky, market)
    assert nothing.p > 0.1
    assert nothing.better == []
    good = np.column_stack((lucky, market + random.normal(0.0015, 0.01, 1_500)))
    found = superior(good, market)
    assert found.p < 0.02
    assert found.better == [30]


def test_a_small_exposure_is_no_demerit():
    random = np.random.default_rng(4)
    good = random.normal(0.001, 0.01, (1_500, 1))
    assert superior(0.01 * good, np.zeros(1_500)) == superior(good, np.zeros(1_500))
