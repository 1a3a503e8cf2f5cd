"""The venue of a span of stored replies: the same parsing and the same units, and nothing can be sent."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter

from adapters.clock import SystemClock
from adapters.kraken import endpoints
from adapters.kraken.caller import PATIENCE_S, Caller
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.endpoints import Endpoint
from adapters.kraken.limits import Charge
from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi
from adapters.kraken.venue import PAGE, KrakenVenue
from adapters.strict_json import parsed
from trading.errors import InvariantError

T = TypeVar("T")


class Answers(Caller):
    """Answers each method with one stored result; lists by id are cut to the pages that were asked for."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        """`results` by the name of the method."""
        self._results = results

    def call(
        self,
        endpoint: Endpoint,
        shape: TypeAdapter[T],
        fields: Mapping[str, str],
        orders: Charge | None = None,  # noqa: ARG002 - nothing is counted here
        patience_s: float = PATIENCE_S,  # noqa: ARG002 - nobody waits
    ) -> T:
        if endpoint.writes or endpoint.name not in self._results:
            raise InvariantError(f"{endpoint.name} is not among the stored replies")
        result = self._results[endpoint.name]
        if "ofs" in fields:
            (name,) = result
            start = int(fields["ofs"])
            result = {name: dict(list(result[name].items())[start : start + PAGE])}
        elif "txid" in fields:
            result = {id: result[id] for id in fields["txid"].split(",") if id in result}
        return parsed(shape, endpoint.name, result)


def recorded_venue(
    catalogue: Catalogue, orders: Mapping[str, Any], trades: Mapping[str, Any], ledger: Mapping[str, Any]
) -> KrakenVenue:
    """One account as replies showed it, rows by the venue's ids."""
    answers = Answers(
        {
            endpoints.QUERY_ORDERS.name: orders,
            endpoints.QUERY_TRADES.name: trades,
            endpoints.TRADES_HISTORY.name: {"trades": trades},
            endpoints.LEDGERS.name: {"ledger": ledger},
        }
    )
    clock = SystemClock()
    return KrakenVenue(PublicApi(answers), PrivateApi(answers, clock), catalogue, clock)


def recorded_balances(catalogue: Catalogue, balances: Mapping[str, Any]) -> dict[str, int]:
    """What one reply of balances shows in all, by asset: lots, or 1e-8 of what is not traded."""
    clock, answers = SystemClock(), Answers({endpoints.BALANCE_EX.name: balances})
    venue = KrakenVenue(PublicApi(answers), PrivateApi(answers, clock), catalogue, clock)
    return {asset: held.total for asset, held in venue.balances().items() if held.total}


def recorded_catalogue(pairs: Mapping[str, Any]) -> Catalogue:
    """The pairs of one reply of AssetPairs."""
    return Catalogue(PublicApi(Answers({endpoints.ASSET_PAIRS.name: pairs})).asset_pairs())
