"""A desk to test the decision core on: a small portfolio, a calm market, the hour's steps to play on it.

Money is easy here: a tick times a lot is one unit, prices lie at 10,000 ticks, equity is ten billion units.
"""

from dataclasses import dataclass, field
from typing import Any

from config.trading import load
from trading.backtest.matching import Bar, Session, play
from trading.codes import BREACHES
from trading.config import TradingConfig
from trading.execution.fills import Fill, FillLog, Holding
from trading.execution.protection import protect
from trading.hour import PREDICTIONS, Mandate, decide, mark
from trading.ledger.settlement import settle
from trading.portfolio import (
    Account,
    Decision,
    Intent,
    Market,
    PortfolioState,
    Position,
    Reading,
    Signal,
    Terms,
    View,
)
from trading.records import blank
from trading.risk.approve import ApprovedOrder, no_orders

CONFIG = load()
HOUR = 480_000
EQUITY = 10_000_000_000
PRICE = 10_000
TERMS = Terms(multiplier=1, divisor=1, order_min_lots=10, cost_min=500_000)


def reading(**changes: Any) -> Reading:
    """What a liquid instrument with a strong prediction shows; every gate is open."""
    values: dict[str, Any] = {
        "close": PRICE,
        "traded": 1,
        "usable": 1,
        "eligible": 1,
        "cluster": 0,
        "beta_ppm": 1_000_000,
        "notional_24h": 10_000 * EQUITY,
        "veto": 0,
        "sigma_1h": 0.005,
        "sigma_24": 0.04,
        "spread": 0.0005,
        "p4": 0.6,
        "p24": 0.6,
        "e24": 0.05,
        "e_hold": 0.05,
    }
    return Reading(**(values | changes))


def market(**changes: Any) -> Market:
    values: dict[str, Any] = {
        "hour": HOUR,
        "missed": 0,
        "refused": 0,
        "flow": 0,
        "btc_return": 0.0,
        "btc_sigma_1h": 0.005,
        "btc_volatility_percentile": 0.5,
        "p_crash": 0.05,
        "p_high_volatility": 0.0,
    }
    return Market(**(values | changes))


def signal(**changes: Any) -> Signal:
    """A benchmark that says nothing."""
    plain = blank(Signal, 1)[0]
    for name, value in changes.items():
        setattr(plain, name, value)
    return plain


def bar(open: int, high: int, low: int, close: int, volume: int = 10_000_000, traded: int = 1) -> Bar:
    return Bar(traded, open, high, low, close, volume)


def account(**changes: int) -> Account:
    made = PortfolioState.opening(EQUITY, 0).account
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@dataclass
class Desk:
    """A portfolio, what it sees, and the venue's books."""

    readings: list[Reading]
    market: Market = field(default_factory=market)
    config: TradingConfig = CONFIG
    mandate: Mandate = field(default_factory=lambda: Mandate(PREDICTIONS, 0, 0, 0))
    terms: list[Terms] = field(init=False)
    state: PortfolioState = field(init=False)
    signals: list[Signal] = field(init=False)
    decision: Decision = field(init=False)
    orders: list[ApprovedOrder] = field(init=False)
    purse: list[int] = field(init=False)
    holdings: list[Holding] = field(init=False)
    log: FillLog = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.readings)
        self.terms = [Terms(1, 1, TERMS.order_min_lots, TERMS.cost_min) for _ in range(count)]
        self.state = PortfolioState.opening(EQUITY, count)
        self.signals = blank(Signal, count)
        self.decision = Decision.blank(count)
        self.orders = no_orders(count)
        self.purse = [EQUITY]
        self.holdings = blank(Holding, count)
        self.log = FillLog(blank(Fill, 16 * count), [0])

    @property
    def view(self) -> View:
        return View(self.market, self.readings)

    def hold(self, a: int, lots: int, **changes: int) -> Position:
        """Give the portfolio a position bought at PRICE, its mark, 48 hours ago out of its cash."""
        position = self.state.positions[a]
        position.lots, position.mark, position.entry, position.peak = lots, PRICE, PRICE, PRICE
        position.since, position.cost = self.market.hour - 48, lots * PRICE
        for name, value in changes.items():
            setattr(position, name, value)
        self.purse[0] -= lots * PRICE
        self.state.account.cash = self.purse[0]
        self.holdings[a].lots = position.lots + position.dust
        protect(self.state, self.holdings)
        self.mark()
        return position

    def mark(self) -> None:
        mark(self.view, self.state, self.config, self.terms)

    def decide(self, acting: int = 1) -> int:
        """One decision; returns the outcome."""
        return decide(
            self.view,
            acting,
            self.signals,
            self.state,
            self.config,
            self.mandate,
            self.terms,
            self.decision,
            self.orders,
        )

    def order(self, a: int, lots: int, limit: int = 0, stop: int = 0) -> None:
        """Put an order before the venue as if it had been approved."""
        order = self.orders[a]
        order.lots, order.limit, order.stop = lots, limit, stop

    def play(self, *bars: Bar) -> list[Fill]:
        """Fill the orders on the bars that follow; returns the fills of this hour."""
        first = self.log.used[0]
        play(
            Session(
                self.view,
                bars,
                self.orders,
                self.state,
                self.purse,
                self.holdings,
                self.config,
                self.terms,
                self.log,
            )
        )
        return list(self.log.rows[first : self.log.used[0]])

    def settle(self, first: int = 0) -> None:
        """Fold the fills from row `first` on and make the stops rest."""
        settle(self.market.hour, first, self.log, self.orders, self.state, self.config, self.terms)
        protect(self.state, self.holdings)

    def intent(self, a: int = 0) -> Intent:
        return self.decision.intents[a]

    def breaches(self, a: int = 0) -> set[str]:
        """The words of the breaches on one intent."""
        return {name for bit, name in enumerate(BREACHES) if self.intent(a).breach >> bit & 1}


def desk(*readings: Reading, **settings: Any) -> Desk:
    """A desk before one calm instrument, or those given; each is a cluster of its own unless it says so."""
    return Desk(list(readings) or [reading()], **settings)
