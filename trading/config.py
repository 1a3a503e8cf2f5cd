"""Every number a decision depends on, frozen and hashed. The reviewed values lie in `config/trading.toml`.

The groups are named tuples so that the compiled loop and the live hour take the same object as an argument:
nothing is baked into compiled code. Shares of an amount are parts per million (`_ppm`, integers, for money
and limits) or plain fractions (floats, for scores and thresholds).
"""

import hashlib
import json
from typing import NamedTuple


class Limits(NamedTuple):
    """What risk allows. Every limit is on equity; exposure counts marked positions and open entries with
    fees.
    """

    positions_max: int
    exposure_entry_ppm: int
    """Entries may fill up to here."""
    exposure_hard_ppm: int
    """Holdings above this are cut, lowest rank first, to `cut_margin_ppm` below it."""
    cut_margin_ppm: int
    name_ppm: int
    cluster_ppm: int
    cluster_positions_max: int
    beta_ppm: int
    """Cap on the sum of weight times beta to bitcoin."""
    volume_ppm: int
    """Largest entry as a share of the instrument's trailing 24 h notional."""
    drawdown_small_pct: int
    drawdown_large_pct: int
    drawdown_halt_pct: int
    drawdown_hysteresis_pct: int
    size_small_ppm: int
    """Multiplier of the base risk fraction from the first tier on."""
    size_large_ppm: int
    large_exposure_ppm: int
    """Hard cap in the second tier."""
    large_positions_max: int


class KillSwitch(NamedTuple):
    """Market-wide triggers that block entries and clear by themselves."""

    btc_fall: float
    """A 1 h bitcoin return below minus this trips."""
    btc_sigmas: float
    """A 1 h bitcoin move of more than this many sigma_1h trips."""
    volatility_percentile: float
    clear_h: int
    """Clean hours before a move or data trigger clears."""
    clear_volatility_h: int


class StrategyRules(NamedTuple):
    """From predictions to targets: entries, exits and size."""

    p24_enter: float
    p4_enter: float
    p_crash_max: float
    edge_min: float
    """Expected return wanted above the round-trip cost."""
    p24_reverse: float
    reversal_h: int
    hold_min_h: int
    hold_max_h: int
    hold_extended_h: int
    cooldown_h: int
    size: float
    """Base risk fraction of equity per entry."""
    sigma_reference: float
    """Daily volatility at which the size is the base fraction."""
    size_scale_min: float
    size_scale_max: float
    stop_sigmas: float
    stop_min: float
    stop_max: float
    take_sigmas: float
    take_costs: float
    take_max: float
    trail_sigmas: float
    rebalance_band: float
    """Constant-weight benchmarks trade when off their weight by more than this fraction of it."""


class ExecutionRules(NamedTuple):
    """How an intent becomes fills; the same numbers in backtest, simulator and live."""

    entry_offset_ppm: int
    """Entry limits lie this far below the close."""
    fallback_slip_max_ppm: int
    """The remainder of an entry goes to market only if the ask is at most this far above the limit."""
    slippage_min: float
    slippage_sigma: float
    """Slippage of a market leg in units of sigma_1h."""
    impact: float
    """Square-root impact: this times sigma_24 times sqrt(value / 24 h notional)."""
    spread_min: float
    """Floor of the estimated bid-ask spread, which bars understate in calm hours."""
    participation_ppm: int
    """Largest share of a bar's volume that we may take."""
    delist_h: int
    """An instrument silent this long while the market trades is forced out."""
    delist_haircut_ppm: int


class Fees(NamedTuple):
    """The venue's schedule in parts per million of the trade value."""

    maker_ppm: int
    taker_ppm: int


class DataVenue(NamedTuple):
    """Where bars come from, and how they stand in for the trading venue's."""

    quote: str
    volume_scale: float
    """Trading venue's volume over this venue's."""
    proxy: bool
    """Prices of another venue or quote currency: a research result, never a release for trading."""


class TradingConfig(NamedTuple):
    limits: Limits
    kill_switch: KillSwitch
    strategy: StrategyRules
    execution: ExecutionRules
    fees: Fees

    def digest(self) -> str:
        """SHA-256 of the canonical JSON of every value."""
        return canonical_digest({group: getattr(self, group)._asdict() for group in self._fields})


def canonical_json(value: object) -> bytes:
    """The one form that digests are taken over: sorted keys, UTF-8, no spaces, shortest floats, no NaN."""
    compact = (",", ":")
    return json.dumps(value, sort_keys=True, separators=compact, ensure_ascii=False, allow_nan=False).encode()


def canonical_digest(value: object) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
