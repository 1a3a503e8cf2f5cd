"""The values below strategy and risk: what a decision may see, what a portfolio is, what was decided.

Each is made of records (`trading.records`): plain objects in the live hour, packed arrays in the compiled
loop, read by the same functions. All money is integer (`trading.money`); one record of a list stands for one
instrument.
"""

from collections.abc import MutableSequence, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from trading.config import canonical_digest
from trading.instruments import Instrument
from trading.money import trade_value
from trading.records import Flag, blank

Ints = MutableSequence[int]


@dataclass(slots=True)
class Terms:
    """The venue's grid for one instrument, in integers."""

    multiplier: int
    """One tick times one lot is multiplier/divisor of 1e-8 quote."""
    divisor: int
    order_min_lots: int
    cost_min: int

    @classmethod
    def of(cls, instrument: Instrument) -> "Terms":
        return cls(
            instrument.multiplier, instrument.divisor, instrument.order_min_lots, instrument.cost_min_e8
        )


def value_at(ticks: int, lots: int, terms: Terms) -> int:
    """Value of `lots` at `ticks`, in 1e-8 quote, half up."""
    return trade_value(ticks, lots, terms.multiplier, terms.divisor)


@dataclass(slots=True)
class Market:
    """What an hour says of the market as a whole, known at asof."""

    hour: int
    """asof, in hours since the epoch."""
    missed: int
    """1 when we were down: the hour is observed, nothing is decided."""
    refused: int
    """REFUSED when too little of the market is usable, WARMING while history or a release is missing."""
    flow: int
    """Deposit (+) or withdrawal (-) since the last hour, 1e-8 quote."""
    btc_return: float
    btc_sigma_1h: float
    btc_volatility_percentile: float
    p_crash: float
    p_high_volatility: float


@dataclass(slots=True)
class Reading:
    """What an hour says of one instrument, known at asof; NaN where unknown."""

    close: int
    """Ticks; 0 where no fresh price is known."""
    traded: int
    """1 when the bar had a trade."""
    usable: int
    """1 when the recent bars allow an entry."""
    eligible: int
    cluster: int
    beta_ppm: int
    notional_24h: int
    """Trailing 24 h notional at this venue, 1e-8 quote."""
    veto: int
    """Which guards of the release block entries: DISSIMILAR, BUCKET, EXPIRED; one bit each."""
    sigma_1h: float
    sigma_24: float
    """Daily volatility, a fraction."""
    spread: float
    """Full bid-ask spread, a fraction of the price."""
    p4: float
    p24: float
    e24: float
    e_hold: float
    """Expected return over the planned hold; the cost gate compares this."""


class View(NamedTuple):
    """All that a decision at asof may see. Nothing here is younger than asof."""

    market: Market
    readings: Sequence[Reading]


@dataclass(slots=True)
class Signal:
    """What a benchmark policy says of one instrument at one midnight; see
    `trading.policies.benchmarks.Signals`.
    """

    enter: Flag
    leave: Flag
    weight: float
    rank: float
    stop: float
    """Distance of the protective stop below the entry limit as a fraction; 0 for none."""
    trail: float
    """Leave when the close is this fraction below the peak since entry; 0 for never."""
    rebalance: Flag
    """1 where a constant weight is traded back to now."""
    channel_up: Flag
    channel_down: Flag
    """Bit masks of the channels that turn on, off."""


@dataclass(slots=True)
class Account:
    """The money of a portfolio and the state of its guards; amounts in 1e-8 quote."""

    cash: int
    equity: int
    """At the last mark."""
    exposure: int
    """Marked holdings, dust included."""
    positions: int
    units: int
    peak: int
    """Of equity since the last approved re-base, rescaled by flows; drives the tiers."""
    lifetime_peak: int
    """Never re-based; drives the verdict."""
    tier: int
    halted: int
    """0, or what the halt does: LATCHED, FLATTENING."""
    halt_epoch: int
    """Raised by every trip and every resume."""
    halt_hour: int
    move_clear_h: int
    """Clean hours left until the bitcoin-move trigger clears; likewise the two below."""
    volatility_clear_h: int
    data_clear_h: int
    unreconciled: int


@dataclass(slots=True)
class Position:
    """What a portfolio holds of one instrument, and what the strategy remembers about it."""

    lots: int
    dust: int
    """Lots below the venue's minimum, when they are all there is."""
    mark: int
    """Last known price, ticks."""
    entry: int
    """Entry limit, ticks; stop, take and trail were fixed from it."""
    stop: int
    take: int
    trail: int
    """Trailing distance in ticks; armed once the peak is that far above the entry."""
    peak: int
    """Highest close since entry, ticks."""
    since: int
    """asof of the entry decision."""
    reversal: int
    """Consecutive hours in which the prediction pointed down."""
    cooldown: int
    """First hour in which the instrument may be entered again after a stop."""
    extended: int
    """1 once the time exit was put off."""
    cost: int
    """What the open lots cost with fees, 1e-8 quote."""
    channel: int
    """Bit mask of the channel systems that are in."""
    silent: int
    """Hours without a trade while the market traded."""


class PortfolioState(NamedTuple):
    """One portfolio after an hour: its money, its holdings and the whole of the strategy's memory.

    state(H+1) = fold(state(H), decision, execution reports).
    """

    account: Account
    positions: Sequence[Position]

    @classmethod
    def opening(cls, cash: int, instruments: int) -> "PortfolioState":
        """An account with `cash` (1e-8 quote), one unit for each 1e-8, and no holdings."""
        account = blank(Account, 1)[0]
        account.cash = account.equity = account.units = account.peak = account.lifetime_peak = cash
        return cls(account, blank(Position, instruments))

    def digest(self) -> str:
        """SHA-256 of the canonical JSON of every number."""
        return canonical_digest([asdict(self.account), [asdict(position) for position in self.positions]])


@dataclass(slots=True)
class Intent:
    """One instrument's way through one decision, from wish to verdict."""

    action: int
    reason: int
    weight: float
    """The strategy's wish as a fraction of equity."""
    rank: float
    stop_distance: float
    """Fractions of the entry limit; 0 for none."""
    take_distance: float
    trail_distance: float
    target_ppm: int
    """The wish in parts per million of equity, after the drawdown multiplier."""
    capped: int
    """What risk leaves of the wish: value to buy, or to sell of a TRIM, 1e-8 quote."""
    breach: int
    verdict: int
    lots: int
    """Planned order: > 0 buys, < 0 sells."""
    limit: int
    stop: int
    take: int
    trail: int


@dataclass(slots=True)
class ClusterTotal:
    """Running totals of one correlation cluster while orders are weighed."""

    value: int
    positions: int


@dataclass(slots=True)
class Totals:
    """Running totals of the portfolio while orders are weighed, 1e-8 quote."""

    exposure: int
    positions: int
    cash: int
    beta_exposure: int


class Decision(NamedTuple):
    """One hour's decision; the hour overwrites it."""

    intents: Sequence[Intent]
    order: MutableSequence[int]
    """Instruments that want to buy, best first."""
    totals: Totals
    clusters: Sequence[ClusterTotal]

    @classmethod
    def blank(cls, instruments: int) -> "Decision":
        (totals,) = blank(Totals, 1)
        return cls(
            blank(Intent, instruments), list(range(instruments)), totals, blank(ClusterTotal, instruments)
        )
