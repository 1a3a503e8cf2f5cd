"""AssetPairs as instruments: the venue's own grid, and the way between its names and ours."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

from adapters.importing import names
from adapters.kraken.schemas_public import AssetPair
from trading.errors import DataError, UsageError
from trading.instruments import UNITS, Instrument

ONLINE = "online"


class Catalogue:
    """Every pair that can be traded in integer money, under Ballast's name for it."""

    def __init__(self, pairs: Mapping[str, AssetPair]) -> None:
        tradable = {id_: pair for id_, pair in pairs.items() if _tradable(pair)}
        self._ids = {_name(pair): id_ for id_, pair in tradable.items()}
        if len(self._ids) < len(tradable):
            raise DataError("AssetPairs gives two pairs one name; see the stored reply")
        self._pairs = {name: pairs[id_] for name, id_ in self._ids.items()}
        spellings = [(id_, name) for name, id_ in self._ids.items()]
        spellings += [(pair.altname, name) for name, pair in self._pairs.items()]
        self._names = dict(spellings)

    def names(self) -> list[str]:
        return sorted(self._pairs)

    def id(self, name: str) -> str:
        """Kraken's id of a pair such as BTC/USD, which requests and fee tables use."""
        return self._ids[self._known(name)]

    def name(self, spelling: str) -> str:
        """Ballast's name of an id (fills) or altname (orders); an unknown one is a `DataError`."""
        if spelling not in self._names:
            raise DataError(f"Kraken names a pair {spelling} that its catalogue lacks; read AssetPairs anew")
        return self._names[spelling]

    def is_online(self, name: str) -> bool:
        return self._pairs[self._known(name)].status == ONLINE

    def status(self, name: str) -> str:
        """By the venue's own word, such as online or cancel_only."""
        return self._pairs[self._known(name)].status

    def instrument(self, name: str) -> Instrument:
        """The grid of a pair; minimums are rounded up to it."""
        pair = self._pairs[self._known(name)]
        return Instrument(
            name=name,
            tick_e8=int(pair.tick_size * UNITS),
            lot_decimals=pair.lot_decimals,
            order_min_lots=_up(pair.ordermin.scaleb(pair.lot_decimals)),
            cost_min_e8=_up(pair.costmin * UNITS),
        )

    def _known(self, name: str) -> str:
        if name not in self._pairs:
            raise UsageError(f"Kraken lists no {name} that Ballast can trade; see `names` of its catalogue")
        return name


def _name(pair: AssetPair) -> str:
    return f"{names.asset(pair.base)}/{names.asset(pair.quote)}"


def _tradable(pair: AssetPair) -> bool:
    """A spot pair of currencies at the main venue, with a tick that integer money can tell."""
    whole_ticks = pair.tick_size * UNITS == (pair.tick_size * UNITS).to_integral_value()
    return pair.aclass_base == "currency" and pair.execution_venue == "international" and whole_ticks


def _up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))
