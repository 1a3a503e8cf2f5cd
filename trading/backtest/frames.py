"""A run's packed logs as frames for people: times, names, amounts in quote units beside the exact
integers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.backtest.engine import Logs
from trading.backtest.report import Record
from trading.clock import HOUR_S
from trading.codes import (
    BREACHES,
    DENIED,
    FILL_KINDS,
    OUTCOMES,
    REASONS,
    TRIGGERS,
    VERDICTS,
)
from trading.instruments import UNITS, Instrument
from trading.money import PPM

Array = NDArray[Any]

FILL_MINUTE = (2, 2, 2, 20, 40, 55, 60)
"""Minute after asof at which a fill of each kind is put: bars tell the order of events, not their times."""


def record(logs: Logs, instruments: Sequence[Instrument], regimes: Array | None = None) -> Record:
    """Equity and fills of a run; `regimes` are labels of its hours."""
    return Record(equity(logs.equity, regimes), fills(logs.fills, instruments))


def beside(logs: Logs, instruments: Sequence[Instrument]) -> Record:
    """What measuring a portfolio beside the judged one needs."""
    return Record(pl.DataFrame(_measured(logs.equity)), fills(logs.fills, instruments))


def _measured(rows: Array) -> dict[str, Any]:
    return {
        "asof": _time(rows["hour"] * HOUR_S),
        "equity": rows["equity"] / UNITS,
        "units": rows["units"] / UNITS,
        "exposure": rows["exposure"] / np.maximum(rows["equity"], 1),
    }


def equity(rows: Array, regimes: Array | None = None) -> pl.DataFrame:
    """The hourly account as `docs/report.md` describes it."""
    columns: dict[str, Any] = _measured(rows) | {
        "cash": rows["cash"] / UNITS,
        "positions": rows["positions"],
        "risk_drawdown": 1.0 - rows["equity"] / rows["peak"],
        "lifetime_drawdown": 1.0 - rows["equity"] / rows["lifetime_peak"],
        "tier": rows["tier"],
        "halted": rows["halted"] != 0,
        "triggers": _words_of_bits(rows["triggers"], TRIGGERS),
        "outcome": _words(rows["outcome"], OUTCOMES),
    }
    if regimes is not None:
        columns["regime"] = regimes
    exact = {f"{name}_e8": rows[name] for name in ("equity", "units", "cash", "exposure")}
    return pl.DataFrame(columns | exact)


def fills(rows: Array, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """One row an execution."""
    ticks, lots = _sizes(rows["instrument"], instruments)
    minutes = np.array(FILL_MINUTE)[rows["kind"]]
    sells = rows["lots"] < 0
    frame = pl.DataFrame(
        {
            "time": _time(rows["hour"] * HOUR_S + minutes * 60),
            "asof": _time(rows["hour"] * HOUR_S),
            "instrument": _names(rows["instrument"], instruments),
            "side": pl.Series(np.where(sells, "sell", "buy"), dtype=pl.String),
            "kind": _words(rows["kind"], FILL_KINDS),
            "quantity": np.abs(rows["lots"]) * lots,
            "price": rows["ticks"] * ticks,
            "limit": rows["limit"] * ticks,
            "stop": rows["stop"] * ticks,
            "fee": rows["fee"] / UNITS,
            "slippage": rows["slippage"] / UNITS,
            "value": rows["value"] / UNITS,
            "pnl": rows["pnl"] / UNITS,
            "ticks": rows["ticks"],
            "lots": rows["lots"],
            "value_e8": rows["value"],
            "fee_e8": rows["fee"],
            "pnl_e8": rows["pnl"],
        }
    )
    none = {name: pl.when(pl.col(name) != 0).then(pl.col(name)) for name in ("limit", "stop")}
    return frame.with_columns(pnl=pl.when(pl.col("side") == "sell").then("pnl"), **none)


def decisions(rows: Array, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """One row an instrument and hour about which something was decided."""
    ticks, lots = _sizes(rows["instrument"], instruments)
    breaches = _words_of_bits(rows["breach"], BREACHES)
    denied = pl.Series(rows["verdict"] == DENIED)
    return pl.DataFrame(
        {
            "asof": _time(rows["hour"] * HOUR_S),
            "instrument": _names(rows["instrument"], instruments),
            "target": rows["target_ppm"] / PPM,
            "verdict": _words(rows["verdict"], VERDICTS),
            "breach": breaches,
            "reason": _words(rows["reason"], REASONS),
            "intent": rows["intent_lots"] * lots,
            "approved": rows["approved_lots"] * lots,
            "limit": rows["limit"] * ticks,
            "stop": rows["stop"] * ticks,
            "denial": pl.Series(breaches).zip_with(denied, pl.Series([""] * len(rows), dtype=pl.String)),
            "intent_lots": rows["intent_lots"],
            "approved_lots": rows["approved_lots"],
        }
    )


def skipped(rows: Array) -> dict[str, int]:
    """Hours in which nothing was traded for a reason, by reason."""
    counts = np.bincount(rows["outcome"], minlength=len(OUTCOMES))
    return {name: int(n) for name, n in zip(OUTCOMES, counts, strict=True) if n and name != "TRADED"}


def _sizes(columns: Array, instruments: Sequence[Instrument]) -> tuple[Array, Array]:
    """Tick and lot size of every row, as floats for people."""
    ticks = np.array([i.tick_e8 / UNITS for i in instruments])
    lots = np.array([10.0**-i.lot_decimals for i in instruments])
    return ticks[columns], lots[columns]


def _time(seconds: Array) -> pl.Series:
    return pl.Series((seconds * 1000).astype("datetime64[ms]")).dt.replace_time_zone("UTC")


def _names(columns: Array, instruments: Sequence[Instrument]) -> pl.Series:
    return _words(columns, [instrument.name for instrument in instruments])


def _words(codes: Array, words: Sequence[str]) -> pl.Series:
    return pl.Series(words, dtype=pl.String).gather(pl.Series(codes))


def _words_of_bits(masks: Array, words: Sequence[str]) -> pl.Series:
    """Bit masks as words joined by a space; few masks are distinct."""
    distinct, place = np.unique(masks, return_inverse=True)
    texts = [" ".join(w for bit, w in enumerate(words) if mask >> bit & 1) for mask in distinct.tolist()]
    return _words(place, texts)
