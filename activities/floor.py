"""What the activities of a portfolio's hour share: who is meant, the market of the hour, the account's sweep,
and batches in which one portfolio's trouble is an item of the result.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from activities.messages import HourIn, ShardIn, Trouble
from activities.ports import Books, Clock, Library, Objects, VenueAccount
from trading.clock import TradingHour
from trading.errors import BallastError, VenueUnavailable
from trading.execution.guarding import Wanted, guard
from trading.execution.identity import intent_of, order_id, protection_of
from trading.execution.placing import LegName
from trading.execution.protocol import Kind
from trading.instruments import Instrument
from trading.live.desk import Desk
from trading.live.sight import Sight
from trading.portfolio import PortfolioState

T = TypeVar("T")


class Floor:
    """The stores, the venue accounts and the clock of the portfolios that a worker serves."""

    def __init__(
        self,
        library: Library,
        objects: Objects,
        clock: Clock,
        account: Callable[[str, str], VenueAccount],
        instruments: Mapping[str, Instrument],
    ) -> None:
        """`account` gives the account of (track, portfolio)."""
        self.library, self.clock, self.account, self.instruments = library, clock, account, instruments
        self._objects = objects
        self._read = lru_cache(maxsize=8)(objects.read)

    def names(self, told: ShardIn) -> list[str]:
        """The portfolios that a message means."""
        if told.only:
            return [told.only]
        names: list[str] = json.loads(self._read(told.portfolios))
        return names[told.first : told.first + told.count]

    def desk(self, told: HourIn, view: str) -> Desk:
        sight = Sight.parse(self._read(view))
        instruments = [self.instruments[name] for name in sight.instruments]
        return Desk(TradingHour.at(told.asof), view, sight, instruments)

    def reconcile(self, track: str, portfolio: str, hour: TradingHour) -> None:
        """Bring the books up to what the account shows; raises while the hour before is not over."""
        with self.library.view(track, portfolio) as books:
            is_open = books.settled_hour() >= hour.previous.number or books.ended(hour.previous) is not None
        if not is_open:
            raise VenueUnavailable(f"hour {hour.previous} of {portfolio} is not over yet")
        self.account(track, portfolio).reconcile(hour)

    def protect(self, track: str, portfolio: str, desk: Desk) -> None:
        """Make resting stops equal to wanted ones, merged into one a position."""
        with self.library.view(track, portfolio) as books:
            state = books.standing([instrument.name for instrument in desk.instruments]).state
        account = self.account(track, portfolio)
        for instrument, wanted in wanted_stops(state, desk).items():
            name = LegName(track, protection_of(portfolio, desk.hour, instrument), Kind.STOP)
            account.work(desk.hour, guard(name, instrument, wanted, merge=True), str(name.id(0)), silent)
            self.clock.withdrawn(str(name.id(0)), [])

    def batch(
        self, track: str, portfolios: Iterable[str], step: Callable[[Books, str], T]
    ) -> tuple[dict[str, T], list[Trouble]]:
        """Do a step for each portfolio in one transaction; what fails for one is undone for it alone."""
        names = list(portfolios)
        if not names:
            return {}, []
        with self.library.unit(track, names) as unit:

            def one(name: str) -> T:
                with unit.part(name) as books:
                    return step(books, name)

            return each(names, one)


def check_come(hour: TradingHour, now: datetime) -> None:
    """Raise while the hour has not come: what a venue shows of it is not the whole yet."""
    if now < hour.asof:
        raise VenueUnavailable(f"{hour} has not come: the venue's clock reads {now:%Y-%m-%dT%H:%M:%SZ}")


def each(names: Iterable[str], step: Callable[[str], T]) -> tuple[dict[str, T], list[Trouble]]:
    """What a step came to for each name, and the troubles of the others."""
    done: dict[str, T] = {}
    trouble = []
    for name in names:
        try:
            done[name] = step(name)
        except BallastError as error:
            trouble.append(Trouble(portfolio=name, reason=f"{type(error).__name__}: {error}"))
    return done, trouble


def wanted_stops(state: PortfolioState, desk: Desk) -> dict[str, Wanted]:
    """The stop that each position wants, by instrument; dust rests without one."""
    return {
        instrument.name: Wanted(position.lots, position.stop)
        for instrument, position in zip(desk.instruments, state.positions, strict=True)
        if position.lots > 0 and position.stop > 0
    }


def first_order(track: str, portfolio: str, hour: TradingHour, instrument: str) -> str:
    """Our id of the first order that an intent leads to: entries and exits both begin with a limit."""
    return str(order_id(track, intent_of(portfolio, hour, instrument), Kind.LIMIT, 0))


def silent() -> None:
    """Whoever protects beats by a thread of its own."""
