"""Whether the portfolios of an hour came to what another process comes to, from raw bytes and the journal.

Features come out of a block of hours, decision and state out of the compiled loop, over what the venue said.
A portfolio that cannot be proved is one whose proof failed, with the reason.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.bars import BarStore
from adapters.reconstruction.inputs import Inputs, Ruling, inputs_of, rulings_of
from adapters.reconstruction.market import Bars
from adapters.reconstruction.rebuild import Market, Rebuilder
from adapters.reconstruction.recorded import Objects, recorded
from adapters.reconstruction.replies import Replies
from adapters.reconstruction.source import VENUE, Home, lived, market_of, opening_bars
from adapters.reconstruction.stages import Content, compare
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import reading
from adapters.storage.hours import PortfolioHour
from trading.clock import TradingHour
from trading.errors import BallastError
from trading.live.machines import COMPILED
from trading.live.values import Approved, Proved

NOTHING = "0" * 64
"""The digest of what could not be computed."""


class Prover:
    """Of one track; stays from hour to hour and reads what is new."""

    def __init__(
        self, home: Home, track: str, objects: Objects, fresh: Callable[[], Iterable[Mapping[str, Any]]]
    ) -> None:
        """`fresh` gives the lines of the reply log that were added since it was asked last."""
        self._home, self._track, self._objects, self._fresh = home, track, objects, fresh
        self._replies = Replies(objects.read)
        self._market: Market | None = None

    def prove(self, hour: TradingHour) -> list[Proved]:
        """Every portfolio whose hour is over, as rows say."""
        for line in self._fresh():
            self._replies.add(line)
        with reading(self._home.engine) as session:
            rulings = rulings_of(session, self._track)
            mine = (PortfolioHour.track == self._track, PortfolioHour.asof == hour.asof)
            names = session.scalars(select(PortfolioHour.portfolio).where(*mine)).all()
        return [self._proved(PortfolioKey(self._track, name), hour, rulings) for name in sorted(names)]

    def _proved(self, key: PortfolioKey, hour: TradingHour, rulings: Sequence[Ruling]) -> Proved:
        with reading(self._home.engine) as session:
            inputs = inputs_of(session, key, rulings, hour)
            # A fill may rest on any hour since the state: those in between may not have been settled.
            since = range(inputs.began.number, hour.number)
            approvals = {n: _approved(session, key, TradingHour(n)) for n in since}
        found = recorded(self._home.engine, key, hour, self._objects)
        if "decision" not in found:
            return Proved(key.portfolio, True, NOTHING, NOTHING, "nothing was decided")
        try:
            again = self._again(inputs, hour, approvals)
        except (BallastError, LookupError, ValueError) as error:
            why = f"it could not be computed again: {type(error).__name__}: {error}"
            return Proved.failed(key.portfolio, why)
        wrong = [row for row in compare(found, again) if not (row.same or row.near)]
        note = f"{wrong[0].stage} differs: {wrong[0].where}" if wrong else ""
        state = again.get("state", Content(NOTHING, None))
        return Proved(key.portfolio, not wrong, again["decision"].digest, state.digest, note)

    def _again(
        self, inputs: Inputs, hour: TradingHour, approvals: Mapping[int, Mapping[str, Approved]]
    ) -> Mapping[str, Content]:
        return Rebuilder(inputs, self._market_of(inputs), COMPILED, approvals).rebuild(hour).stages

    def _market_of(self, inputs: Inputs) -> Market:
        if self._market is None:
            opening = opening_bars(BarStore(self._home.folder / "bars"), inputs.rulings)
            given = lived(self._home, self._track, self._objects)
            bars = Bars(VENUE, opening, self._replies)
            self._market = market_of(self._track, bars, self._replies, given)
        return self._market


def _approved(session: Session, key: PortfolioKey, hour: TradingHour) -> dict[str, Approved]:
    rows = Decisions(session, key).approvals(hour.asof)
    return {
        row.instrument: Approved(row.lots, row.limit, row.stop, row.take, row.trail)
        for row in rows
        if row.lots
    }
