"""What a trade costs before it is made: slippage of a market leg and the round trip of the cost gate."""

from math import ceil, sqrt

from trading.config import ExecutionRules, Fees
from trading.money import PPM


def slippage(sigma_1h: float, sigma_24: float, value: int, notional_24h: int, rules: ExecutionRules) -> float:
    """Expected slippage of a market order as a fraction of the price.

    The largest of a floor, a share of hourly volatility, and square-root impact, sigma_24 * sqrt(value /
    notional). An unknown volatility counts as none; without any notional the impact is that of the whole
    day's volume.
    """
    share = 0.0 if value <= 0 else value / max(value, notional_24h)
    impact = rules.impact * sigma_24 * sqrt(share)
    # The first of two is kept where the second is not known.
    return max(max(rules.slippage_min, rules.slippage_sigma * sigma_1h), impact)


def slippage_ppm(
    sigma_1h: float, sigma_24: float, value: int, notional_24h: int, rules: ExecutionRules
) -> int:
    """`slippage` in parts per million, rounded up, at most half the price."""
    ppm = ceil(slippage(sigma_1h, sigma_24, value, notional_24h, rules) * PPM)
    return ppm if ppm < PPM // 2 else PPM // 2


def round_trip(fees: Fees, spread: float, slip: float) -> float:
    """Cost of an entry by limit and an exit by market as a fraction: fees, one spread, two slippages."""
    return (fees.maker_ppm + fees.taker_ppm) / PPM + spread + 2.0 * slip
