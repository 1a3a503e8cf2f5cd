"""Shapes of Kraken's public answers. Prices and volumes are decimals, times Unix seconds."""

from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

AMOUNT_MAX = Decimal(10) ** 18
DECIMALS_MAX = 18


def _bounded(value: Decimal) -> Decimal:
    """Figures outside any market would make later integer arithmetic endless."""
    exponent = value.as_tuple().exponent
    if abs(value) > AMOUNT_MAX or not isinstance(exponent, int) or exponent < -DECIMALS_MAX:
        raise ValueError("beyond all bounds")
    return value


Amount = Annotated[Decimal, AfterValidator(_bounded)]
Positive = Annotated[Amount, Field(gt=0)]
NotNegative = Annotated[Amount, Field(ge=0)]
Decimals = Annotated[int, Field(ge=0, le=DECIMALS_MAX)]
Seconds = Annotated[int, Field(ge=0, le=1 << 40)]
Nanoseconds = Annotated[int, Field(ge=0, lt=1 << 63)]


class Frozen(BaseModel):
    """Fields that are not named here are left aside: Kraken adds some now and then."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ServerTime(Frozen):
    """The venue's clock, whole seconds."""

    unixtime: Seconds


class SystemStatus(Frozen):
    """online, maintenance (no cancels either), cancel_only, post_only or limit_only."""

    status: str


class Asset(Frozen):
    """One asset; `decimals` are those of balances and ledgers."""

    altname: str
    decimals: Decimals


class AssetPair(Frozen):
    """One tradable pair and its grid. Its fee lists, empty since September 2026, are not read."""

    altname: str
    aclass_base: str = "currency"
    base: str
    quote: str
    pair_decimals: Decimals
    lot_decimals: Decimals
    ordermin: Positive
    costmin: NotNegative
    tick_size: Positive
    status: str
    execution_venue: str = "international"


class Ticker(Frozen):
    """Best ask and bid, last trade, and the volume of 24 hours."""

    a: tuple[NotNegative, NotNegative, NotNegative]
    b: tuple[NotNegative, NotNegative, NotNegative]
    c: tuple[NotNegative, NotNegative]
    v: tuple[NotNegative, NotNegative]

    @property
    def ask(self) -> Decimal:
        return self.a[0]

    @property
    def bid(self) -> Decimal:
        return self.b[0]

    @property
    def last(self) -> Decimal:
        return self.c[0]

    @property
    def volume_24h(self) -> Decimal:
        """Base units."""
        return self.v[1]


class Candle(NamedTuple):
    """One interval, named by its open; the price fields repeat the last close where nothing traded."""

    time: Seconds
    open: Positive
    high: Positive
    low: Positive
    close: Positive
    vwap: NotNegative
    volume: NotNegative
    trades: Annotated[int, Field(ge=0)]


class Level(NamedTuple):
    """One price of the book."""

    price: Positive
    volume: NotNegative
    time: Seconds


class Book(Frozen):
    """Asks and bids, best first."""

    asks: tuple[Level, ...]
    bids: tuple[Level, ...]


class PublicTrade(NamedTuple):
    """One trade of the market; the side is the taker's."""

    price: Positive
    volume: Positive
    time: Annotated[Amount, Field(ge=0)]
    side: Literal["b", "s"]
    kind: str
    remark: str
    trade_id: Annotated[int, Field(ge=0)]


class Quote(NamedTuple):
    """The touch at one moment."""

    time: Seconds
    bid: NotNegative
    ask: NotNegative


def _rows_named(content: Any) -> Any:
    """`{<pair>: rows, "last": cursor}` under fixed names: the pair may come back under another of its own."""
    if not isinstance(content, dict) or len(content) != 2 or "last" not in content:
        raise ValueError("not one pair and a cursor")
    (rows,) = (value for name, value in content.items() if name != "last")
    return {"rows": rows, "last": content["last"]}


RowsNamed = BeforeValidator(_rows_named)
"""To be annotated to a page, wherever one is parsed."""


class CandlePage(Frozen):
    """`last` is the open time of the last finished candle; the row after it is still forming."""

    rows: tuple[Candle, ...]
    last: Seconds


class TradePage(Frozen):
    """`last` is the time of the last trade in nanoseconds, the next page's `since`."""

    rows: tuple[PublicTrade, ...]
    last: Nanoseconds


class QuotePage(Frozen):
    """About two hundred of the latest touches."""

    rows: tuple[Quote, ...]
    last: Seconds
