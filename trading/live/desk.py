"""The market of an hour and the venue's grids, the same for every portfolio."""

from collections.abc import Sequence
from typing import NamedTuple

from trading.backtest.step import Rules
from trading.clock import TradingHour
from trading.hour import PREDICTIONS, SIGNALS, Mandate
from trading.instruments import Instrument
from trading.live.documents import parse_mandate
from trading.live.sight import Sight
from trading.live.values import Ticket
from trading.portfolio import Terms


class Desk(NamedTuple):
    """What every portfolio of an hour is decided at."""

    hour: TradingHour
    view: str
    """Name of the sight."""
    sight: Sight
    instruments: Sequence[Instrument]

    @property
    def names(self) -> list[str]:
        return [instrument.name for instrument in self.instruments]

    @property
    def is_missed(self) -> bool:
        return self.sight.view.market.missed != 0

    def rules(self, ticket: Ticket) -> Rules:
        """A portfolio's configuration and mandate under this hour's advice."""
        advice = self.sight.advice.get(ticket.predictor)
        mandate = (
            Mandate(SIGNALS, advice.kind, advice.portfolio_rules_only, 0)
            if advice
            else Mandate(PREDICTIONS, 0, 0, 0)
        )
        terms = [Terms.of(instrument) for instrument in self.instruments]
        return Rules(parse_mandate(ticket.document)[0], mandate, terms)
