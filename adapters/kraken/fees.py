"""What the account pays, from TradeVolume; no answer never means no fee.

Percentages become parts per million, rounded up. The configured schedule is a floor: the account's own
replaces it where that is higher; where the venue says nothing the floor stands.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

from adapters.kraken.schemas_private import FeeTier, TradeVolume
from trading.config import Fees
from trading.errors import DataError

PPM_PER_PERCENT = 10_000
FEE_PERCENT_MAX = 5
"""No spot schedule was ever near; more is damage, not a fee."""


def fees_of(volume: TradeVolume, pair_id: str, floor: Fees) -> Fees:
    """The fees of one pair, none below `floor`; an absurd figure is a `DataError`.

    Without a maker fee of its own a pair pays its taker fee on both sides.
    """
    taker_ppm = _ppm(volume.fees, pair_id)
    maker_ppm = _ppm(volume.fees_maker, pair_id)
    maker_ppm = taker_ppm if maker_ppm is None else maker_ppm
    return Fees(max(maker_ppm or 0, floor.maker_ppm), max(taker_ppm or 0, floor.taker_ppm))


def _ppm(tiers: Mapping[str, FeeTier], pair_id: str) -> int | None:
    if pair_id not in tiers:
        return None
    percent: Decimal = tiers[pair_id].fee
    if percent > FEE_PERCENT_MAX:
        raise DataError(f"TradeVolume asks {percent} % for {pair_id}; look at the account's fee schedule")
    return int((percent * PPM_PER_PERCENT).to_integral_value(ROUND_CEILING))
