"""The values of a run in either form: plain objects in lists, or packed records for compiled code."""

from typing import Any, NamedTuple

import numpy as np

from trading.backtest.step import Books, DecisionLog, DecisionRow, EquityLog, EquityRow
from trading.execution.fills import Fill, FillLog, Holding
from trading.execution.protection import protect
from trading.portfolio import Account, ClusterTotal, Decision, Intent, PortfolioState, Position
from trading.records import blank, packed, packed_one, unpacked, unpacked_one
from trading.risk.approve import ApprovedOrder, no_orders


class Form(NamedTuple):
    """Makes the same values in one form or the other."""

    packed: bool

    def ints(self, values: Any) -> Any:
        return np.array(values, dtype=np.int64) if self.packed else list(values)

    def one(self, record: Any) -> Any:
        return packed_one(record) if self.packed else record

    def many(self, record: type, rows: Any) -> Any:
        return packed(record, rows) if self.packed else rows

    def decision(self, instruments: int) -> Decision:
        plain = Decision.blank(instruments)
        return Decision(
            self.many(Intent, plain.intents),
            self.ints(plain.order),
            self.one(plain.totals),
            self.many(ClusterTotal, plain.clusters),
        )

    def state(self, state: PortfolioState) -> PortfolioState:
        return PortfolioState(self.one(state.account), self.many(Position, state.positions))

    def plain(self, state: PortfolioState) -> PortfolioState:
        """The state as plain values."""
        if not self.packed:
            return state
        return PortfolioState(unpacked_one(Account, state.account), unpacked(Position, state.positions))

    def books(self, state: PortfolioState, hours: int) -> Books:
        """Books of a plain state whose venue agrees with it, with logs for so many hours."""
        count = len(state.positions)
        holdings = blank(Holding, count)
        for position, holding in zip(state.positions, holdings, strict=True):
            holding.lots = position.lots + position.dust
        protect(state, holdings)
        return Books(
            self.state(state),
            self.ints([state.account.cash]),
            self.many(Holding, holdings),
            self.decision(count),
            self.many(ApprovedOrder, no_orders(count)),
            FillLog(self.many(Fill, blank(Fill, 4 * count * hours)), self.ints([0])),
            DecisionLog(self.many(DecisionRow, blank(DecisionRow, count * hours)), self.ints([0])),
            EquityLog(self.many(EquityRow, blank(EquityRow, hours)), self.ints([0])),
        )
