"""The double-entry record of a run: every asset that moved, where from and where to.

An entry is a set of postings that add up to zero in each asset. Amounts are integers, in lots of a base asset
and in 1e-8 of the quote currency. What we hold stands in `cash`, `position` and `dust`; the other side of a
trade is `exchange`, of money that came or went `capital`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from trading.clock import HOUR_S
from trading.errors import InvariantError
from trading.instruments import Instrument

POSTING = {
    "entry": pl.String(),
    "time": pl.Datetime("ms", "UTC"),
    "account": pl.String(),
    "asset": pl.String(),
    "amount": pl.Int64(),
}

CASH, POSITION, DUST = "cash", "position", "dust"
EXCHANGE, FEES = "exchange", "fees"
DEPOSITS, WITHDRAWALS = "deposits", "withdrawals"


@dataclass(frozen=True, slots=True)
class Journal:
    """Postings in the order of time, columns as in `POSTING`; made or read back, every entry balances."""

    postings: pl.DataFrame

    def __post_init__(self) -> None:
        if self.postings.schema != pl.Schema(POSTING):
            raise InvariantError(f"not a journal: {self.postings.schema}")
        by_asset = self.postings.group_by("entry", "asset").agg(pl.col("amount").sum())
        _refuse(by_asset.filter(pl.col("amount") != 0), "does not balance")
        sides = self.postings.select("entry", "account", "asset")
        _refuse(sides.filter(sides.is_duplicated()), "is posted twice")


def post(
    opening: int,
    fills: pl.DataFrame,
    equity: pl.DataFrame,
    flows: Mapping[int, int],
    instruments: Sequence[Instrument],
) -> Journal:
    """The journal of a run from its fills and hourly account, frames as in `docs/report.md`.

    `opening` and `flows` (asked for, by asof hour) are in 1e-8 quote. Cash that moved by anything but a fill
    or a flow that was asked for is an `InvariantError`. A flow that could not be booked has no entry.
    """
    quote = instruments[0].quote
    booked = _booked(opening, fills, equity, flows)
    parts = [_capital(booked, quote), _trades(fills, quote), _sweeps(fills, instruments)]
    return Journal(pl.concat(parts).sort("time", maintain_order=True))


def _booked(
    opening: int, fills: pl.DataFrame, equity: pl.DataFrame, flows: Mapping[int, int]
) -> pl.DataFrame:
    """What came in and went out, by asof: the opening, then every change of cash that no fill explains."""
    traded = fills.group_by(pl.col("asof").dt.offset_by("1h")).agg(traded=_received().sum())
    first = equity.head(1).select("asof", amount=pl.lit(opening, pl.Int64), name=pl.lit("opening"))
    moved = (
        equity.select("asof", moved=pl.col("cash_e8").diff().fill_null(pl.col("cash_e8").first() - opening))
        .join(traded, on="asof", how="left", maintain_order="left")
        .select("asof", amount=pl.col("moved") - pl.col("traded").fill_null(0), name=pl.lit("flow"))
        .filter(pl.col("amount") != 0)
    )
    for asof, amount, _ in moved.iter_rows():
        if flows.get(int(asof.timestamp()) // HOUR_S) != amount:
            raise InvariantError(
                f"cash moved by {amount} (1e-8) at {asof:%Y-%m-%dT%H:%MZ} for no known reason"
            )
    return pl.concat([first, moved])


def _capital(booked: pl.DataFrame, quote: str) -> pl.DataFrame:
    entries = booked.select(entry=_id("asof", "name"), time="asof", amount="amount")
    owner = pl.when(pl.col("amount") > 0).then(pl.lit(DEPOSITS)).otherwise(pl.lit(WITHDRAWALS))
    money, amount = pl.lit(quote), pl.col("amount")
    return _legs(entries, [(pl.lit(CASH), money, amount), (owner, money, -amount)])


def _trades(fills: pl.DataFrame, quote: str) -> pl.DataFrame:
    """An entry a fill. Its id is the fill's: a kind fills at most once in an instrument's hour."""
    entries = fills.with_columns(entry=_id("asof", "instrument", "kind"))
    money, lots, fee = pl.lit(quote), pl.col("lots"), pl.col("fee_e8")
    legs = [
        (pl.lit(CASH), money, _received()),
        (pl.lit(EXCHANGE), money, -_received() - fee),
        (pl.lit(FEES), money, fee),
        (pl.lit(POSITION), _base(), lots),
        (pl.lit(EXCHANGE), _base(), -lots),
    ]
    return _legs(entries, legs)


def _sweeps(fills: pl.DataFrame, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """What is below the venue's minimum after an hour's fills is dust; a position takes its dust along."""
    minimum = {instrument.name: instrument.order_min_lots for instrument in instruments}
    held = pl.col("lots").cum_sum().over("instrument")
    few = held < pl.col("instrument").replace_strict(minimum, return_dtype=pl.Int64)
    moved = pl.col("dust") - pl.col("dust").shift(1, fill_value=0).over("instrument")
    entries = (
        fills.group_by("asof", "instrument", maintain_order=True)
        .agg(pl.col("lots").sum(), kind=pl.lit("dust"))
        .with_columns(dust=pl.when(few).then(held).otherwise(0))
        .with_columns(moved=moved, time=pl.col("asof").dt.offset_by("1h"))
        .filter(pl.col("moved") != 0)
        .with_columns(entry=_id("asof", "instrument", "kind"))
    )
    dust = pl.col("moved")
    return _legs(entries, [(pl.lit(POSITION), _base(), -dust), (pl.lit(DUST), _base(), dust)])


def _received() -> pl.Expr:
    """What a fill does to cash, after its fee."""
    value = pl.col("value_e8")
    return pl.when(pl.col("lots") > 0).then(-value).otherwise(value) - pl.col("fee_e8")


def _base() -> pl.Expr:
    return pl.col("instrument").str.split("/").list.first()


def _id(asof: str, *parts: str) -> pl.Expr:
    """An entry's name, the same in every run, such as `2021-06-01T05Z BTC/USD stop`."""
    return pl.concat_str(pl.col(asof).dt.strftime("%Y-%m-%dT%HZ"), *parts, separator=" ")


def _legs(entries: pl.DataFrame, legs: Sequence[tuple[pl.Expr, pl.Expr, pl.Expr]]) -> pl.DataFrame:
    """The postings of entries that all have the same legs (account, asset, amount), entry by entry."""
    sides = [
        entries.select("entry", "time", account=account, asset=asset, amount=amount).with_row_index("row")
        for account, asset, amount in legs
    ]
    together = pl.concat(sides).sort("row", maintain_order=True).drop("row")
    return together.filter(pl.col("amount") != 0)


def _refuse(offences: pl.DataFrame, what: str) -> None:
    if offences.height:
        raise InvariantError(f"entry {offences['entry'][0]!r} {what} ({offences.height} such sides)")
