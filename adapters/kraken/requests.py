"""What we may ask Kraken to do, as values that cannot say anything else: there is no field for leverage.

Prices and volumes are decimals on the venue's grid (`trading.instruments`), times aware and UTC.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from adapters.kraken.limits import ADD_COST, Charge, amend_cost, cancel_cost
from trading.errors import UsageError

TXID = re.compile(r"O[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}")


@dataclass(frozen=True, kw_only=True)
class AddOrder:
    """One spot order; fees are taken in the quote currency."""

    pair: str
    """Kraken's id or altname of the pair."""
    side: Literal["buy", "sell"]
    kind: Literal["limit", "market", "stop-loss"]
    volume: Decimal
    """Base units."""
    price: Decimal | None = None
    """Limit, or trigger of a stop; none for a market order."""
    cl_ord_id: UUID
    deadline: datetime
    """The venue refuses the order if it arrives later; two to sixty seconds from now."""
    expires: datetime | None = None
    """Good till then; for ever without it."""
    post_only: bool = False
    stop: Decimal | None = None
    """Trigger of the stop-loss that each fill of this buy shall leave behind."""

    def __post_init__(self) -> None:
        _check(self.volume > 0, f"a volume of {self.volume} is not positive")
        _check(
            (self.price is None) == (self.kind == "market"), f"a {self.kind} order with price {self.price}"
        )
        _check(self.price is None or self.price > 0, f"a price of {self.price} is not positive")
        _check(not self.post_only or self.kind == "limit", "only a limit order can be post-only")
        _check(self.expires is None or self.kind == "limit", "only a limit order is given an expiry")
        _check(self.stop is None or self.side == "buy", "only a buy is given a conditional stop")
        _check(self.stop is None or self.stop > 0, f"a stop of {self.stop} is not positive")
        _check(self.deadline.tzinfo is not None, "the deadline has no time zone")

    def form(self) -> dict[str, str]:
        fields = {
            "pair": self.pair,
            "type": self.side,
            "ordertype": self.kind,
            "volume": f"{self.volume:f}",
            "cl_ord_id": str(self.cl_ord_id),
            "deadline": rfc3339(self.deadline),
            "oflags": "fciq,post" if self.post_only else "fciq",
        }
        if self.price is not None:
            fields["price"] = f"{self.price:f}"
        if self.expires is not None:
            fields |= {"timeinforce": "GTD", "expiretm": str(int(self.expires.timestamp()))}
        if self.stop is not None:
            fields |= {"close[ordertype]": "stop-loss", "close[price]": f"{self.stop:f}"}
        return fields

    @property
    def charge(self) -> Charge:
        return Charge(0, self.pair, ADD_COST)


@dataclass(frozen=True, kw_only=True)
class OrderRef:
    """An order at the venue, by its id there or by ours; pair and age pace the call and are not sent."""

    pair: str
    txid: str = ""
    cl_ord_id: UUID | None = None
    age_s: float = 0.0
    """Seconds since the order was opened; unknown counts as new, which costs most."""

    def __post_init__(self) -> None:
        _check(bool(self.txid) != (self.cl_ord_id is not None), "name an order by txid or by cl_ord_id")
        _check(not self.txid or bool(TXID.fullmatch(self.txid)), f"{self.txid!r} is no order id of Kraken")

    def form(self) -> dict[str, str]:
        return {"txid": self.txid} if self.txid else {"cl_ord_id": str(self.cl_ord_id)}

    @property
    def cancel_charge(self) -> Charge:
        return Charge(0, self.pair, cancel_cost(self.age_s))


@dataclass(frozen=True, kw_only=True)
class AmendOrder:
    """New terms of a resting order; what is None stays."""

    order: OrderRef
    deadline: datetime
    volume: Decimal | None = None
    limit: Decimal | None = None
    trigger: Decimal | None = None

    def __post_init__(self) -> None:
        terms = [term for term in (self.volume, self.limit, self.trigger) if term is not None]
        _check(bool(terms) and min(terms) > 0, "an amendment needs a positive volume, limit or trigger")
        _check(self.deadline.tzinfo is not None, "the deadline has no time zone")

    def form(self) -> dict[str, str]:
        terms = {"order_qty": self.volume, "limit_price": self.limit, "trigger_price": self.trigger}
        fields = {name: f"{value:f}" for name, value in terms.items() if value is not None}
        return self.order.form() | fields | {"deadline": rfc3339(self.deadline)}

    @property
    def charge(self) -> Charge:
        return Charge(0, self.order.pair, amend_cost(self.order.age_s))


def rfc3339(time: datetime) -> str:
    """An aware time as Kraken reads it, in milliseconds."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check(holds: bool, complaint: str) -> None:
    if not holds:
        raise UsageError(f"{complaint}; nothing was sent")
