"""What was said of one account in a span of hours: by a venue's replies, or by the lines of one on paper."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from adapters.kraken.catalogue import Catalogue
from adapters.kraken.recorded import recorded_balances, recorded_venue
from adapters.reconstruction.replies import Account
from trading.execution.protocol import Movement, Report, Trade

CLOSING = re.compile(r"stop loss ([0-9.]+)")
"""What the venue says of an order whose fills leave a stop behind."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Shown(NamedTuple):
    """When something was said first."""

    number: int
    """Its place among all that was said."""
    at: datetime


class Look(NamedTuple):
    """One answer about balances."""

    number: int
    at: datetime
    balances: Mapping[str, int]
    """By asset: lots, or 1e-8 of what is not traded; what there is nothing of is left out."""


class Placed(NamedTuple):
    """One order, and where it came from."""

    id: str
    """The one that it was sent with; empty if the venue made it, or somebody else did."""
    parent: str
    """The venue's id of the order that left it behind; empty for none."""
    instrument: str
    opened: datetime


class AccountSaid(Protocol):
    """One account; orders go by the venue's ids."""

    @property
    def orders(self) -> Mapping[str, str]:
        """Our ids of orders, empty without one, in the order in which they were told."""
        ...

    @property
    def trades(self) -> Sequence[Trade]: ...

    @property
    def movements(self) -> Sequence[Movement]: ...

    @property
    def shown(self) -> Mapping[str, Shown]:
        """By trade."""
        ...

    @property
    def looks(self) -> Sequence[Look]: ...

    def placed(self, order: str) -> Placed: ...

    def reports(self, orders: Sequence[str]) -> Sequence[Report]: ...

    def stop(self, report: Report) -> int:
        """The trigger that an order of ours carries for its fills, ticks, 0 for none."""
        ...


class KrakenSaid:
    """An account at the venue, by its replies."""

    def __init__(self, catalogue: Catalogue, account: Account) -> None:
        self._catalogue, self._account = catalogue, account
        self._venue = recorded_venue(catalogue, account.orders, account.trades, account.ledger)
        self.orders = {txid: row.get("cl_ord_id") or "" for txid, row in account.orders.items()}
        self.trades = self._venue.trades(EPOCH)
        self.movements = self._venue.movements(EPOCH)
        self.shown = {id: Shown(reply.number, reply.at) for id, reply in account.shown.items()}
        self.reports = self._venue.reports

    @property
    def looks(self) -> Sequence[Look]:
        return [
            Look(reply.number, reply.at, recorded_balances(self._catalogue, row))
            for reply, row in self._account.looks
        ]

    def placed(self, order: str) -> Placed:
        row = self._account.orders[order]
        name, opened = self._catalogue.name(row["descr"]["pair"]), float(row["opentm"])
        return Placed(self.orders[order], row.get("refid") or "", name, datetime.fromtimestamp(opened, UTC))

    def stop(self, report: Report) -> int:
        """As it was asked for, or where no answer to that came, as the venue describes it."""
        asked = self._account.sent.get(str(report.id), {}).get("close[price]", "")
        shown = CLOSING.search(self._account.orders[report.venue_id]["descr"].get("close") or "")
        price = asked or (shown[1] if shown else "")
        return self._catalogue.instrument(report.instrument).ticks(Decimal(price)) if price else 0
