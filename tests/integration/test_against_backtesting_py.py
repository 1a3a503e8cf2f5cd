"""A simple strategy's account, hour by hour, against backtesting.py on the same bars, sizes and stops.

Weekly entries and exits in one instrument, 0.4 % a fill, no slippage, no limits on risk. Entry limits stand
half a percent above the close, so that each fills at the next open, as a market order does there. What
remains between the two is our rounding of values and fees to 1e-8.
"""

import numpy as np
import pandas as pd
import pytest
from backtesting import Backtest, Strategy

from config import trading
from trading.backtest import frames
from trading.backtest.contest import unlimited
from trading.backtest.engine import Portfolio
from trading.backtest.matching import Bar
from trading.backtest.step import Advice, Inputs
from trading.clock import DAY_H
from trading.hour import SIGNALS, Mandate
from trading.instruments import UNITS, Instrument
from trading.policies.benchmarks import TREND
from trading.portfolio import Market, Reading, Signal
from trading.records import table

pytestmark = pytest.mark.filterwarnings("ignore:Some trades remain open", "ignore:.*dayofweek")

BITCOIN = Instrument("BTC/USD", 10_000_000, 8, 5_000, 50_000_000)
LOT_PRICE = BITCOIN.tick_e8 / UNITS / BITCOIN.lots_per_unit
"""One tick as quote currency for one lot."""
OPENING, FIRST, HOURS = 100_000 * UNITS, 450_000 - 450_000 % DAY_H, 200 * DAY_H
FEE = 0.004


def price_path(seed):
    """Open, high, low and close in ticks: a random walk whose opens are off the close before them."""
    random = np.random.default_rng(seed)
    close = 300_000 * np.cumprod(1 + random.normal(0, 0.006, HOURS))
    open_ = np.concatenate([close[:1], close[:-1]]) * (1 + random.uniform(-0.002, 0.002, HOURS))
    reach = 1 + np.abs(random.normal(0, 0.003, (2, HOURS)))
    high, low = np.maximum(open_, close) * reach[0], np.minimum(open_, close) / reach[1]
    return {
        name: np.rint(of).astype(np.int64)
        for name, of in zip(("open", "high", "low", "close"), (open_, high, low, close), strict=True)
    }


def inputs(prices):
    market, readings, bars = table(Market, HOURS), table(Reading, HOURS, 1), table(Bar, HOURS, 1)
    market["hour"] = FIRST + np.arange(HOURS)
    for name in ("traded", "usable", "eligible"):
        readings[name] = 1
    readings["close"][:, 0] = prices["close"]
    readings["sigma_24"], readings["notional_24h"] = 0.03, 10**17
    for name in ("p4", "p24", "e24", "e_hold"):
        readings[name] = np.nan
    bars["traded"], bars["volume"] = 1, 10**13
    for name, ticks in prices.items():
        bars[name][:, 0] = ticks
    return Inputs(market, readings, bars)


def signals(stop):
    """Bought on the third day of a week at half of equity, sold on the sixth."""
    days = table(Signal, HOURS // DAY_H, 1)
    of_week = np.arange(len(days)) % 7
    days["enter"][:, 0], days["leave"][:, 0] = of_week == 2, of_week == 5
    days["weight"], days["stop"] = 0.5, stop
    return days


def ours(prices, days):
    free = unlimited(trading.load("mission"))
    config = free._replace(
        execution=free.execution._replace(
            entry_offset_ppm=-5_000,
            slippage_min=0.0,
            slippage_sigma=0.0,
            impact=0.0,
            spread_min=0.0,
            participation_ppm=1_000_000,
        )
    )
    block = inputs(prices)
    account = Portfolio(OPENING, config, Mandate(SIGNALS, TREND, 1, 0), [BITCOIN], Advice(FIRST, days))
    account.advance(block)
    return account.finish(block)


def theirs(prices, logs, commission=FEE):
    """The peer's account: it buys what we were allowed to, with the stop that the order carried."""
    bars = {name.title(): ticks * LOT_PRICE for name, ticks in prices.items()}
    hours = pd.date_range("2024-01-01", periods=HOURS, freq="h")
    orders = {row["hour"] - FIRST: row for row in logs.decisions if row["approved_lots"] != 0}

    class Weekly(Strategy):
        def init(self):
            pass

        def next(self):
            order = orders.get(len(self.data) - 1)
            if order is not None and order["approved_lots"] > 0:
                self.buy(size=int(order["approved_lots"]), sl=order["stop"] * LOT_PRICE or None)
            elif order is not None:
                self.position.close()

    peer = Backtest(pd.DataFrame(bars, index=hours), Weekly, cash=OPENING / UNITS, commission=commission)
    stats = peer.run()
    return stats["_equity_curve"]["Equity"].to_numpy(), stats["_trades"]


@pytest.mark.parametrize(
    ("stop", "kinds"), [(0.0, {"entry taker", "exit"}), (0.03, {"entry taker", "exit", "stop"})]
)
def test_the_account_is_the_peers_to_the_cent_in_every_hour(stop, kinds):
    prices = price_path(seed=11)
    logs = ours(prices, signals(stop))
    equity, trades = theirs(prices, logs)
    fills = frames.fills(logs.fills, [BITCOIN])
    assert set(fills["kind"]) == kinds
    assert fills.height > 50
    assert len(logs.equity) == HOURS
    apart = np.abs(logs.equity["equity"] / UNITS - equity)
    assert apart.max() < 1e-5
    sold = fills.filter(fills["side"] == "sell")
    assert np.allclose(sold["pnl"], trades["PnL"][: sold.height], atol=1e-5)


def test_a_fee_that_is_one_part_in_a_million_off_would_be_seen():
    prices = price_path(seed=11)
    logs = ours(prices, signals(0.0))
    equity, _ = theirs(prices, logs, commission=FEE + 1e-6)
    assert np.abs(logs.equity["equity"] / UNITS - equity).max() > 1
