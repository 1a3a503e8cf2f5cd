"""What an hour of the small world is drawn in: its scale, its instruments, the rules that it is under."""

import random
from typing import Any, NamedTuple

from config import trading
from trading.clock import TradingHour
from trading.config import Limits, TradingConfig
from trading.instruments import Instrument

HOUR = TradingHour(480_000)
NAN, TINY = float("nan"), 1e-10
REVIEWED = trading.load()
SHARES_PPM = (50_000, 100_000, 100_000, 200_000, 250_000, 500_000, 500_000, 750_000, 1_000_000)
GRIDS = ((1, 0), (1, 0), (1, 1), (3, 0), (4, 1), (1, 2), (100_000_000, 8), (1, 8))
"""Tick in 1e-8 and decimals of a lot: most of them make one lot at one tick worth about one unit."""


class World(NamedTuple):
    """What the parts of a case are drawn in."""

    draw: random.Random
    config: TradingConfig
    instruments: list[Instrument]
    scale: int
    """Of lots and money."""
    dear: int
    """Of prices."""
    flat: bool
    """Nothing is held."""
    feast: bool
    """Every gate is open and there is money for many entries."""

    def some(self, *of: Any) -> Any:
        return self.draw.choice(of)

    def chance(self, one_in: int) -> bool:
        return self.draw.randrange(one_in) == 0


def config_of(draw: random.Random) -> TradingConfig:
    """Limits at coarse shares; percentages and hours of one digit."""
    config = REVIEWED
    limits = limits_of(draw, config.limits)
    strategy = config.strategy._replace(
        p24_enter=0.5,
        p4_enter=0.5,
        p_crash_max=0.5,
        p24_reverse=0.5,
        edge_min=draw.choice((0.0, 0.25)),
        reversal_h=draw.choice((1, 2)),
        hold_min_h=draw.choice((0, 2)),
        hold_max_h=4,
        hold_extended_h=6,
        cooldown_h=draw.choice((0, 3)),
        size=draw.choice((0.25, 0.5, 1.0)),
        sigma_reference=0.5,
        size_scale_min=draw.choice((0.5, 1.0)),
        size_scale_max=draw.choice((1.0, 1.5)),
        stop_sigmas=draw.choice((0.5, 1.0)),
        stop_min=draw.choice((0.1, 0.25)),
        stop_max=draw.choice((0.25, 0.5)),
        take_sigmas=draw.choice((0.5, 2.0)),
        take_costs=draw.choice((0.5, 1.0)),
        take_max=draw.choice((0.5, 4.0, 4.0, TINY)),
        trail_sigmas=draw.choice((0.5, 2.0)),
        rebalance_band=draw.choice((0.0, 0.25, 0.5)),
    )
    execution = config.execution._replace(
        entry_offset_ppm=draw.choice((0, 100_000, 333_333)),
        fallback_slip_max_ppm=draw.choice((0, 100_000, 250_000)),
        slippage_min=draw.choice((0.0, 0.125)),
        slippage_sigma=draw.choice((0.0, 0.25)),
        impact=draw.choice((0.0, 0.25)),
        delist_h=3,
        delist_haircut_ppm=draw.choice((0, 333_333, 500_000)),
    )
    switch = config.kill_switch._replace(
        btc_fall=0.25, btc_sigmas=2.0, volatility_percentile=0.5, clear_h=3, clear_volatility_h=2
    )
    fees = config.fees._replace(
        maker_ppm=draw.choice((0, 125_000)), taker_ppm=draw.choice((0, 4_000, 125_000))
    )
    return TradingConfig(limits, switch, strategy, execution, fees)


def limits_of(draw: random.Random, reviewed: Limits) -> Limits:
    """Coarse shares, each as likely to bind; or one alone that does."""
    hard = draw.choice((200_000, 500_000, 500_000, 1_000_000))
    tight = {
        "positions_max": draw.choice((0, 1, 2, 3, 5)),
        "exposure_entry_ppm": draw.choice((hard, hard - 100_000, hard // 2, 1_000_000)),
        "exposure_hard_ppm": hard,
        "cut_margin_ppm": draw.choice((0, 50_000, 100_000)),
        "name_ppm": draw.choice(SHARES_PPM),
        "cluster_ppm": draw.choice(SHARES_PPM),
        "cluster_positions_max": draw.choice((1, 1, 2, 5)),
        "beta_ppm": draw.choice(SHARES_PPM),
        "volume_ppm": draw.choice((1_000_000, 500_000, 100_000)),
        "large_exposure_ppm": draw.choice((100_000, hard // 2, hard)),
        "large_positions_max": draw.choice((0, 1, 2, 5)),
    }
    if draw.randrange(2) == 0:
        one = draw.choice(list(tight))
        tight = dict.fromkeys(tight, 1_000_000) | {"cut_margin_ppm": 0, one: tight[one]}
    return reviewed._replace(**tight)


def instrument_of(draw: random.Random, name: str, scale: int, feast: bool) -> Instrument:
    tick, decimals = (1, 0) if feast else draw.choice(GRIDS)
    least = draw.choice((1, 1, 2, 3)) * (1 if feast else scale)
    return Instrument(name, tick, decimals, least, draw.choice((0, 1, 5, 20)) * (1 if feast else scale))
