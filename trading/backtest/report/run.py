"""A finished backtest as values: what the report is made of. Columns are described in `docs/report.md`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

RAW = " raw"
"""Ends the name of a benchmark that ran without risk rules."""
BITCOIN = "btc"
"""The benchmark that the verdict is measured against: constant 20 % bitcoin, under the risk rules."""


class Record(NamedTuple):
    """One portfolio's hourly equity and its fills."""

    equity: pl.DataFrame
    fills: pl.DataFrame


class Trials(NamedTuple):
    """Every configuration that has been looked at so far."""

    logged: int = 1
    returns: NDArray[np.float64] | None = None
    """Daily returns of the logged ones, shape (days, configurations); None if they were not kept."""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a report says comes from here."""

    name: str
    details: Mapping[str, Any]
    """`run.json`: digest, from, to, predictor, fees, venue, proxy, data_digest, review_after, skipped ..."""
    record: Record
    decisions: pl.DataFrame
    benchmarks: Mapping[str, Record] = field(default_factory=dict)
    bill_rates: Mapping[int, float] = field(default_factory=dict)
    """Approximate yearly rate of three-month Treasury bills by calendar year, as fractions."""
    trials: Trials = field(default_factory=Trials)
    beside: Record | None = None
    """The same run under the other fee schedule."""
    double_cost: Record | None = None
    """The same run at twice the cost."""

    @property
    def others(self) -> dict[str, Record]:
        """The benchmarks without the run itself, which may be one of them."""
        return {name: of for name, of in self.benchmarks.items() if name != self.details["predictor"]}
