"""The batch activities of a shard: open the hour of every portfolio (reconcile, tell the guard, decide), and
close it for the idle. Each does for every portfolio what can be done, and names the others; asked again it
finds done what is done.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from temporalio import activity

from activities.beating import beating
from activities.deciding import Marked, decided, marked, settled
from activities.floor import Floor, each, first_order, wanted_stops
from activities.messages import BatchOut, CloseIn, Decided, GuardOut, MarkIn, Plan, ShardIn, Tellings, Trouble
from activities.ports import Books, Latch, Watch
from trading.codes import TRIGGERS
from trading.live.desk import Desk
from trading.live.documents import state_of_decision
from trading.live.values import Guarded, Told

UPDATES_AT_ONCE = 8


class BatchActivities:
    """Of the queue `trading`, over the portfolios of one shard."""

    def __init__(self, floor: Floor, latch: Latch, watch: Watch) -> None:
        self._floor, self._latch, self._watch = floor, latch, watch
        self._pool = ThreadPoolExecutor(UPDATES_AT_ONCE, "guard")

    def activities(self) -> list[Callable[..., object]]:
        return [self.open, self.close]

    @activity.defn
    def open(self, told: ShardIn) -> Decided:
        """Reconcile, guard and decide for each portfolio, once for ever, and say who has orders to place.

        Who is idle with nothing at its venue is settled too; not one that was in trouble, whose hour says so.
        """
        with beating():
            floor, desk = self._floor, self._floor.desk(told, told.view)
            names = floor.names(told)
            _, behind = each(names, lambda name: floor.reconcile(told.track, name, desk.hour))
            early = self._guard(told.track, names, desk)
            # Whoever was in trouble on the way cannot be decided for, unless that was done before.
            made, trouble = floor.batch(told.track, names, lambda b, _: _opened(b, desk, bool(told.only)))
            first = {item.portfolio: item for item in (*trouble, *early, *behind)}
            plans = [
                Plan(portfolio=name, instruments=tuple(done.approved))
                for name, (done, _) in made.items()
                if done.approved
            ]
            self._let_time_pass(told.track, desk, list(made), plans)
            return Decided(
                plans=tuple(plans),
                trouble=tuple(first[item.portfolio] for item in trouble),
                exposed=any(not (done.approved or is_over) for done, is_over in made.values()),
            )

    @activity.defn
    def close(self, told: CloseIn) -> BatchOut:
        """Settle everybody of the shard who had no orders; whoever has stops is swept before."""
        with beating():
            floor, desk = self._floor, self._floor.desk(told, told.view)
            names = [name for name in floor.names(told) if name not in told.without]
            swept, silent = each(names, lambda name: self._swept(told.track, name, desk))

            _, failed = floor.batch(told.track, swept, lambda b, _: settled(b, desk))
            exposed = [name for name in swept if swept[name]]
            _, bare = each(exposed, lambda name: floor.protect(told.track, name, desk))
            return BatchOut(trouble=(*silent, *failed, *bare))

    def _guard(self, track: str, names: Sequence[str], desk: Desk) -> Sequence[Trouble]:
        """Mark each portfolio, tell its guard, and store what the guard answered."""
        floor = self._floor
        seen = {name: self._latch.tellings(track, name) for name in names}
        marks, trouble = each(names, lambda name: self._marked(track, name, desk))
        new = {name: mark for name, mark in marks.items() if mark is not None}
        fired = self._watch.fired(track, desk) if new else ()

        def ask(name: str) -> tuple[dict[str, GuardOut], list[Trouble]]:
            return each([name], lambda name: self._answer(track, name, desk, new[name], seen[name], fired))

        answers = list(self._pool.map(ask, new))
        said = {name: word for answered, _ in answers for name, word in answered.items()}
        silent = [trouble for _, failed in answers for trouble in failed]

        def keep(books: Books, name: str) -> None:
            mark, word = new[name], said[name]
            guarded = Guarded(word.state, word.epoch, word.tier, word.halt_id)
            # After a review the guard began a new peak at this mark; the books follow when they decide.
            account = replace(mark.account, peak=word.peak, lifetime_peak=word.lifetime_peak, tier=word.tier)
            books.keep_mark(desk.hour, account, mark.flow, mark.triggers, guarded)

        _, failed = floor.batch(track, said, keep)
        return (*trouble, *silent, *failed)

    def _let_time_pass(self, track: str, desk: Desk, names: list[str], plans: Sequence[Plan]) -> None:
        """Only now that all is stored may a replay's time pass, and not before each order is answered for."""
        orders = [
            first_order(track, plan.portfolio, desk.hour, instrument)
            for plan in plans
            for instrument in plan.instruments
        ]
        self._floor.clock.decided(desk.hour, names, orders)

    def _marked(self, track: str, name: str, desk: Desk) -> Marked | None:
        with self._floor.library.view(track, name) as books:
            return None if books.guarded(desk.hour) else marked(books, desk)

    def _answer(
        self, track: str, name: str, desk: Desk, mark: Marked, seen: Tellings, live: Sequence[str]
    ) -> GuardOut:
        fired = tuple(word for bit, word in enumerate(TRIGGERS) if mark.triggers >> bit & 1)
        told = MarkIn(
            portfolio=name,
            asof=desk.hour.asof,
            equity=mark.account.equity,
            flows=mark.flow,
            triggers=(*fired, *live),
            trips=mark.trips,
            review_after_h=mark.review_after_h,
            seen=seen,
        )
        return self._latch.mark(track, told)

    def _swept(self, track: str, name: str, desk: Desk) -> bool:
        """Look at the account of a portfolio that has stops; False for one to which nothing can happen."""
        with self._floor.library.view(track, name) as books:
            told = books.decision(desk.hour)
        if told is None or not is_exposed(told, desk):
            return False
        self._floor.account(track, name).reconcile(desk.hour)
        return True


def _opened(books: Books, desk: Desk, is_alone: bool) -> tuple[Told, bool]:
    """The decision, and whether the hour is over with it: for who is idle with nothing at the venue."""
    told = decided(books, desk)
    is_over = not (told.approved or is_alone or is_exposed(told, desk))
    if is_over:
        settled(books, desk)
    return told, is_over


def is_exposed(told: Told, desk: Desk) -> bool:
    """A stop of the portfolio rests at the venue."""
    names = [instrument.name for instrument in desk.instruments]
    return bool(wanted_stops(state_of_decision(told.document, names), desk))
