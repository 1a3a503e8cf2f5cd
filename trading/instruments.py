"""The venue's grid: tick, lot and minimums of an instrument, and exact conversion at the border."""

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from math import gcd
from typing import NamedTuple

from trading.errors import UsageError

UNITS = 100_000_000
"""Cash units in one unit of the quote currency: money is counted in 1e-8."""


class Instrument(NamedTuple):
    """A tradable pair and the venue's grid for it."""

    name: str
    """BTC/USD: the base asset, a slash, the quote currency."""
    tick_e8: int
    """Size of one price tick in 1e-8 quote."""
    lot_decimals: int
    """One lot is 10**-lot_decimals of the base asset."""
    order_min_lots: int
    cost_min_e8: int
    """Smallest order value in 1e-8 quote."""

    @property
    def base(self) -> str:
        return self.name.split("/")[0]

    @property
    def quote(self) -> str:
        return self.name.split("/")[1]

    @property
    def tick(self) -> Decimal:
        return Decimal(self.tick_e8) / UNITS

    @property
    def lots_per_unit(self) -> int:
        """Lots in one unit of the base asset."""
        return int(10**self.lot_decimals)

    @property
    def multiplier(self) -> int:
        """One tick times one lot is multiplier/divisor of 1e-8 quote, in lowest terms."""
        return self.tick_e8 // gcd(self.tick_e8, self.lots_per_unit)

    @property
    def divisor(self) -> int:
        return self.lots_per_unit // gcd(self.tick_e8, self.lots_per_unit)

    def price(self, ticks: int) -> Decimal:
        return self.tick * ticks

    def quantity(self, lots: int) -> Decimal:
        return Decimal(lots).scaleb(-self.lot_decimals)

    def ticks(self, price: Decimal) -> int:
        """The price in ticks; a price off the grid is a `UsageError`."""
        ticks = price / self.tick
        if ticks != ticks.to_integral_value():
            raise UsageError(f"{price} is not a multiple of {self.name}'s tick {self.tick}")
        return int(ticks)

    def lots(self, quantity: Decimal) -> int:
        """The quantity in whole lots, rounded down."""
        return int(quantity.scaleb(self.lot_decimals).to_integral_value(ROUND_FLOOR))


def quote_of(instruments: Iterable[Instrument]) -> str:
    """The currency that all of them are quoted in; a `ValueError` when there is more than one."""
    (quote,) = {instrument.quote for instrument in instruments}
    return quote


def cash(amount: Decimal) -> int:
    """A quote amount in 1e-8, exactly; a finer amount is a `UsageError`."""
    units = amount * UNITS
    if units != units.to_integral_value():
        raise UsageError(f"{amount} is finer than 1e-8")
    return int(units)


def amount(units: int) -> Decimal:
    """Cash units as an amount of the quote currency."""
    return Decimal(units) / UNITS


def check_magnitudes(equity: int, ticks_max: int, lots_max: int, instrument: Instrument) -> None:
    """Refuse what compiled 64-bit arithmetic could wrap on; `UsageError` names the instrument and the
    figure.
    """
    if max(ticks_max * instrument.multiplier, lots_max) >= 1 << 62:
        raise UsageError(f"{instrument.name}: {ticks_max} ticks or {lots_max} lots overflow 64-bit money")
    if ticks_max * lots_max * instrument.multiplier // instrument.divisor >= 1 << 61:
        raise UsageError(f"{instrument.name}: {lots_max} lots at {ticks_max} ticks overflow 64-bit money")
    if equity >= 1 << 55:
        raise UsageError(f"equity of {amount(equity)} overflows 64-bit money")
