"""Shapes of Kraken's private answers. Amounts are decimals, times Unix seconds with a fraction."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from adapters.kraken.schemas_public import Amount, Frozen, NotNegative

Stamp = NotNegative
# The documentation prints the word, the venue sends null.
Parent = Annotated[str | None, BeforeValidator(lambda refid: None if refid == "None" else refid)]
TxIds = Annotated[tuple[str, ...], Field(min_length=1)]


class Balance(Frozen):
    """One asset; holds cover open spot orders."""

    balance: Amount
    hold_trade: NotNegative = Decimal(0)
    credit: NotNegative = Decimal(0)
    credit_used: NotNegative = Decimal(0)

    @property
    def available(self) -> Decimal:
        return self.balance + self.credit - self.credit_used - self.hold_trade


class TradeBalance(Frozen):
    """Totals in one asset; a margin level appears with an open margin position only."""

    equivalent: Amount = Field(validation_alias="eb")
    margin: Amount = Field(validation_alias="m")
    margin_level: Amount | None = Field(None, validation_alias="ml")


class Terms(Frozen):
    """What an order says; `pair` is the altname here, the id elsewhere."""

    pair: str
    side: Literal["buy", "sell"] = Field(validation_alias="type")
    kind: str = Field(validation_alias="ordertype")
    price: str
    leverage: str = "none"


class Order(Frozen):
    """One order as the venue has it: `price` is the average of its fills, the limit stands in the terms."""

    refid: Parent = None
    """The order whose conditional close this one is."""
    cl_ord_id: str | None = None
    status: Literal["pending", "open", "closed", "canceled", "expired"]
    reason: str | None = None
    opentm: Stamp
    closetm: Stamp | None = None
    expiretm: Stamp = Decimal(0)
    descr: Terms
    vol: NotNegative
    vol_exec: NotNegative
    cost: NotNegative
    fee: Amount
    price: NotNegative
    trades: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.status in ("closed", "canceled", "expired")


class OpenOrders(Frozen):
    """Open orders by txid."""

    orders: dict[str, Order] = Field(validation_alias="open")


class ClosedOrders(Frozen):
    """One page of fifty, newest first."""

    orders: dict[str, Order] = Field(validation_alias="closed")
    count: int | None = None


class Fill(Frozen):
    """One trade of ours; `pair` is the id, `ordertxid` the order it filled."""

    ordertxid: str
    pair: str
    time: Stamp
    side: Literal["buy", "sell"] = Field(validation_alias="type")
    price: NotNegative
    cost: NotNegative
    fee: Amount
    vol: NotNegative
    trade_id: int | None = None
    maker: bool | None = None


class TradesHistory(Frozen):
    """One page of fifty, newest first, by the trade's txid."""

    trades: dict[str, Fill]
    count: int | None = None


class LedgerEntry(Frozen):
    """One movement of one asset: the amount, the fee on top of it, and the balance after both."""

    refid: str
    time: Stamp
    type: str
    subtype: str = ""
    asset: str
    amount: Amount
    fee: Amount
    balance: Amount


class Ledgers(Frozen):
    """One page of fifty, newest first, by the entry's id."""

    ledger: dict[str, LedgerEntry]
    count: int | None = None


class FeeTier(Frozen):
    """The fee that applies now, in per cent."""

    fee: Amount


class TradeVolume(Frozen):
    """Fees by pair id; a pair without maker fees pays `fees` on both sides."""

    fees: dict[str, FeeTier] = Field(default_factory=dict)
    fees_maker: dict[str, FeeTier] = Field(default_factory=dict)


class Accepted(Frozen):
    """An order was taken: `txid` is what it is called there. It says nothing about fills."""

    txid: TxIds


class Amended(Frozen):
    """The amendment's own id; the order keeps its txid."""

    amend_id: str


class Cancelled(Frozen):
    """How many orders were cancelled, or will be if `pending`."""

    count: Annotated[int, Field(ge=0)]
    pending: bool = False


class Timer(Frozen):
    """The dead man's switch: when it will fire, `0` when it is off."""

    current: str = Field(validation_alias="currentTime")
    trigger: str = Field(validation_alias="triggerTime")


class KeyInfo(Frozen):
    """What a key may do; Kraken has been seen to name the fields in two styles."""

    name: str = Field("", validation_alias=AliasChoices("apiKeyName", "api_key_name", "name"))
    permissions: frozenset[str]
