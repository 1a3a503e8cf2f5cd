"""The batch activities of a shard: reconcile, tell the guard, decide, settle the idle. Each does for every
portfolio what can be done, and names the others; asked again it finds done what is done.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from temporalio import activity

from activities.beating import beating
from activities.deciding import Marked, decided, marked, settled
from activities.floor import Floor, each, first_order, wanted_stops
from activities.messages import BatchOut, CloseIn, Decided, GuardOut, MarkIn, Plan, ShardIn, Tellings
from activities.ports import Books, Latch, Watch
from trading.clock import TradingHour
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
        return [self.reconcile, self.guard, self.decide, self.close]

    @activity.defn
    def reconcile(self, told: ShardIn) -> BatchOut:
        """Sweep each account, post what moved, compare its balances with the journal to the last unit."""
        with beating():
            floor, hour = self._floor, TradingHour.at(told.asof)
            _, trouble = each(floor.names(told), lambda name: floor.reconcile(told.track, name, hour))
            return BatchOut(trouble=tuple(trouble))

    @activity.defn
    def guard(self, told: ShardIn) -> BatchOut:
        """Mark each portfolio, tell its guard, and store what the guard answered."""
        with beating():
            floor, desk = self._floor, self._floor.desk(told, told.view)
            seen = {name: self._latch.tellings(told.track, name) for name in floor.names(told)}
            marks, trouble = each(floor.names(told), lambda name: self._marked(told.track, name, desk))
            new = {name: mark for name, mark in marks.items() if mark is not None}
            fired = self._watch.fired(told.track, desk) if new else ()
            answers = self._pool.map(
                lambda name: self._answer(told.track, name, desk, new[name], seen[name], fired), new
            )
            said = dict(zip(new, answers, strict=True))

            def keep(books: Books, name: str) -> None:
                mark, word = new[name], said[name]
                guarded = Guarded(word.state, word.epoch, word.tier, word.halt_id)
                # After a review the guard began a new peak at this mark; the books follow when they decide.
                account = replace(
                    mark.account, peak=word.peak, lifetime_peak=word.lifetime_peak, tier=word.tier
                )
                books.keep_mark(desk.hour, account, mark.flow, mark.triggers, guarded)

            _, failed = floor.batch(told.track, new, keep)
            return BatchOut(trouble=(*trouble, *failed))

    @activity.defn
    def decide(self, told: ShardIn) -> Decided:
        """Decide for each portfolio, once for ever, and say who has orders to place."""
        with beating():
            floor, desk = self._floor, self._floor.desk(told, told.view)
            made, trouble = floor.batch(told.track, floor.names(told), lambda b, _: decided(b, desk))
            plans = [
                Plan(portfolio=name, instruments=tuple(decision.approved))
                for name, decision in made.items()
                if decision.approved
            ]
            orders = [
                first_order(told.track, plan.portfolio, desk.hour, instrument)
                for plan in plans
                for instrument in plan.instruments
            ]
            # Only now that all is stored may a replay's time pass, and not before each order is answered for.
            floor.clock.decided(desk.hour, list(made), orders)
            exposed = any(is_exposed(decision, desk) for decision in made.values() if not decision.approved)
            return Decided(plans=tuple(plans), trouble=tuple(trouble), exposed=exposed)

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


def is_exposed(told: Told, desk: Desk) -> bool:
    """A stop of the portfolio rests at the venue."""
    names = [instrument.name for instrument in desk.instruments]
    return bool(wanted_stops(state_of_decision(told.document, names), desk))
