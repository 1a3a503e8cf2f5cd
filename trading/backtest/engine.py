"""Run portfolios over blocks of hours: the same compiled loop for the one that is judged and for every
benchmark.

A run is a fold over blocks; between two blocks everything it knows is in its `Books`. The digest covers every
byte of decisions, fills and hourly accounts.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from trading.backtest.step import (
    FILLS_PER_INSTRUMENT,
    Advice,
    Books,
    DecisionLog,
    DecisionRow,
    EquityLog,
    EquityRow,
    Inputs,
    Rules,
    close,
    run,
)
from trading.compiled import compiled
from trading.config import TradingConfig
from trading.execution.fills import Fill, FillLog, Holding
from trading.hour import Mandate
from trading.instruments import Instrument, check_magnitudes
from trading.ledger.statement import Closing
from trading.portfolio import ClusterTotal, Decision, Intent, PortfolioState, Position, Signal, Terms, View
from trading.records import fields, packed, packed_one, table, unpacked, unpacked_one
from trading.risk.approve import ApprovedOrder, no_orders

Array = NDArray[Any]

LOG_ROWS = 4_000
"""Between two flushes; a block is a month."""
GROWTH_MAX = 100
"""Equity may grow this many times before 64-bit money would have to be checked again."""


class Logs(NamedTuple):
    """Packed rows of a finished run."""

    decisions: Array
    fills: Array
    equity: Array

    def digest(self) -> str:
        """SHA-256 over every byte, little-endian 64-bit."""
        digest = hashlib.sha256()
        for rows in self:
            digest.update(f"{rows.dtype.names} {len(rows)}\n".encode())
            digest.update(rows.tobytes())
        return digest.hexdigest()


class Portfolio:
    """One account under one mandate, moved forward block by block."""

    def __init__(
        self,
        opening: int,
        config: TradingConfig,
        mandate: Mandate,
        instruments: Sequence[Instrument],
        advice: Advice | None = None,
        kept: Sequence[str] = fields(EquityRow),
    ) -> None:
        """An account of `opening` (1e-8 quote); `advice` is a benchmark's signals.

        `kept` names the fields of the hourly account that the log keeps: years of many portfolios add up.
        """
        count = len(instruments)
        self._advice = advice or Advice(0, table(Signal, 1, count))
        self._rules = Rules(
            packed_config(config),
            packed_one(mandate),
            packed(Terms, [Terms.of(instrument) for instrument in instruments]),
        )
        self._books = packed_books(opening, count)
        self._account = np.dtype([(name, np.int64) for name in kept])
        self._parts: list[Logs] = []

    def advance(self, block: Inputs) -> None:
        """Decide at every row of the block but the last, and fill each on the row that follows."""
        first, stop = 0, len(block.market) - 1
        while first < stop:
            first = compiled(run)(block, self._advice, self._rules, self._books, first, stop)
            self._flush()

    def finish(self, block: Inputs) -> Logs:
        """Mark the last row of the last block; returns all that was logged."""
        compiled(close)(View(block.market[-1], block.readings[-1]), self._rules, self._books)
        self._flush()
        parts, self._parts = self._parts, []
        return Logs(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))

    def state(self) -> PortfolioState:
        """The portfolio as plain values."""
        state = self._books.state
        return PortfolioState(
            unpacked_one(type(PortfolioState.opening(0, 0).account), state.account),
            unpacked(Position, state.positions),
        )

    def closing(self) -> Closing:
        """Our state and the venue's books, as plain values."""
        holdings = cast(Array, self._books.holdings)
        return Closing(self.state(), int(self._books.purse[0]), holdings["lots"].tolist())

    def _flush(self) -> None:
        parts = [_taken(log) for log in (self._books.decisions, self._books.fills, self._books.equity)]
        account = np.empty(len(parts[-1]), dtype=self._account)
        for name in self._account.names or ():
            account[name] = parts[-1][name]
        self._parts.append(Logs(parts[0].copy(), parts[1].copy(), account))


def _taken(log: DecisionLog | FillLog | EquityLog) -> Array:
    """The used rows of a log, which counts from zero again."""
    rows: Array = cast(Array, log.rows)[: log.used[0]]
    log.used[0] = 0
    return rows


def simulate(blocks: Iterable[Inputs], portfolios: Sequence[Portfolio]) -> list[Logs]:
    """Run every portfolio over the blocks; the market of a block is derived once for all of them."""
    block = None
    for block in blocks:
        for portfolio in portfolios:
            portfolio.advance(block)
    if block is None:
        return []
    return [portfolio.finish(block) for portfolio in portfolios]


def packed_config(config: TradingConfig) -> TradingConfig:
    """The configuration as packed records, which compiled code takes by reference."""
    return TradingConfig(*(packed_one(group) for group in config))


def packed_books(opening: int, instruments: int) -> Books:
    """Books of an account of `opening` with nothing in them."""
    state, decision = PortfolioState.opening(opening, instruments), Decision.blank(instruments)
    rows = max(LOG_ROWS, 2 * FILLS_PER_INSTRUMENT * instruments)
    return Books(
        PortfolioState(packed_one(state.account), packed(Position, state.positions)),
        integers(opening),
        table(Holding, instruments),
        Decision(
            packed(Intent, decision.intents),
            integers(*[0] * instruments),
            packed_one(decision.totals),
            packed(ClusterTotal, decision.clusters),
        ),
        packed(ApprovedOrder, no_orders(instruments)),
        FillLog(table(Fill, rows), integers(0)),
        DecisionLog(table(DecisionRow, rows), integers(0)),
        EquityLog(table(EquityRow, rows), integers(0)),
    )


def integers(*values: int) -> Any:
    """Integers that compiled code moves; stand wherever a list of them is declared."""
    return np.array(values, dtype=np.int64)


def check_bounds(opening: int, bars: Array, instruments: Sequence[Instrument]) -> None:
    """Refuse a market or an account in which 64-bit money could wrap; `bars` are packed, (hours,
    instruments).
    """
    for a, instrument in enumerate(instruments):
        closes = bars["close"][:, a]
        known = closes[closes > 0]
        if known.size:
            cheapest = int(known.min()) * instrument.multiplier
            lots = opening * GROWTH_MAX * instrument.divisor // cheapest
            check_magnitudes(opening * GROWTH_MAX, int(bars["high"][:, a].max()), lots, instrument)
