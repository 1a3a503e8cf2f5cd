"""Where hours begin and end: the roll of the track, a portfolio settled after its orders or skipped with a
reason, and the hour of the track closed.
"""

import json
from collections.abc import Callable, Sequence
from time import monotonic, sleep

from temporalio import activity

from activities.beating import beating
from activities.deciding import settled
from activities.floor import Floor, check_come
from activities.messages import (
    CloseHourIn,
    HourIn,
    HourOut,
    PortfolioHourIn,
    PortfolioHourOut,
    ReconcileIn,
    ReconcileOut,
    Roll,
    hour_text,
)
from activities.ports import Objects, Tracks
from trading.clock import TradingHour
from trading.config import canonical_json
from trading.errors import VenueUnavailable
from trading.live.values import HourEnd

DONE, UNRECONCILED = "DONE", "UNRECONCILED"

Seal = Callable[[str], str]
"""Signs the head of a track's audit log; answers with what went wrong, empty when nothing did."""
Owed = Callable[[str, TradingHour], Sequence[str]]
"""Portfolios of (track, hour) that are not proved yet."""
BeginProof = Callable[[str, TradingHour], Callable[[], None]]
"""Has the proof of (track, hour) begin, and returns what waits until it has; whatever began it before, it is
one proof.
"""
PROOF_S, PROOF_LOOK_S = 10.0, 0.03
"""How long one attempt waits for a proof, and how often it looks: a second between attempts would be most
of a replayed hour.
"""


class ClosingActivities:
    """Of the queue `trading`."""

    def __init__(
        self, floor: Floor, tracks: Tracks, objects: Objects, seal: Seal, owed: Owed, begin_proof: BeginProof
    ) -> None:
        self._floor, self._tracks, self._objects, self._seal = floor, tracks, objects, seal
        self._owed, self._begin_proof = owed, begin_proof

    def activities(self) -> list[Callable[..., object]]:
        return [self.roll, self.standing, self.settle, self.skip, self.close_hour, self.reconcile_now]

    @activity.defn
    def roll(self, told: HourIn) -> Roll:
        """The portfolios of the hour, as a stored list; of an hour that is over, its outcome by its row."""
        hour = TradingHour.at(told.asof)
        check_come(hour, self._floor.clock.now())
        names = list(self._tracks.roll(told.track, hour))
        reference = self._objects.put_bytes(canonical_json(names))
        reference = self._tracks.keep_stage(told.track, hour, "roll", reference, {"portfolios": len(names)})
        return Roll(portfolios=reference, count=len(names), outcome=self._tracks.ended(told.track, hour))

    @activity.defn
    def standing(self, told: HourIn) -> HourOut:
        """How the hour of the track ended, by its row; without an outcome while it has not."""
        hour = TradingHour.at(told.asof)
        outcome = self._tracks.ended(told.track, hour)
        ends = self._tracks.ends(told.track, hour)
        settled_ = sum(end.settled for end in ends.values())
        return HourOut(asof=told.asof, outcome=outcome, portfolios=len(ends), settled=settled_)

    @activity.defn
    def settle(self, told: PortfolioHourIn) -> PortfolioHourOut:
        """Settle one portfolio after its orders; an error is this activity's, to be tried again."""
        with beating():
            floor, desk = self._floor, self._floor.desk(told, told.view)
            floor.account(told.track, told.portfolio).reconcile(desk.hour)
            with (
                floor.library.unit(told.track, [told.portfolio]) as unit,
                unit.part(told.portfolio) as books,
            ):
                end = settled(books, desk, told.trouble)
            floor.protect(told.track, told.portfolio, desk)
            return PortfolioHourOut(portfolio=told.portfolio, outcome=end.outcome, reason=end.reason)

    @activity.defn
    def skip(self, told: PortfolioHourIn) -> PortfolioHourOut:
        """Give a portfolio that could not be settled its row and its alert; its orders live on."""
        hour = TradingHour.at(told.asof)
        with (
            self._floor.library.unit(told.track, [told.portfolio]) as unit,
            unit.part(told.portfolio) as books,
        ):
            end = books.ended(hour)
            if end is None:
                end = HourEnd(UNRECONCILED, told.trouble, 0, settled=False)
                books.end(hour, end)
        if not end.settled:
            name = f"skipped-hour/{told.portfolio}/{hour}"
            self._tracks.alert(told.track, name, "failed-hour", told.portfolio, f"{hour}: {end.reason}")
        # Whatever was still planned of it holds no replay back.
        self._floor.clock.decided(hour, [told.portfolio], [])
        return PortfolioHourOut(portfolio=told.portfolio, outcome=end.outcome, reason=end.reason)

    @activity.defn
    def reconcile_now(self, told: ReconcileIn) -> ReconcileOut:
        """Compare one portfolio with its venue, whatever the hour."""
        with beating():
            now = self._floor.clock.now()
            hour = TradingHour.at(now.replace(minute=0, second=0, microsecond=0))
            out = self._floor.account(told.track, told.portfolio).reconcile(hour)
            return ReconcileOut(
                portfolio=told.portfolio,
                unexplained=tuple(sorted(out.unexplained)),
                findings=len(out.census.findings),
            )

    @activity.defn
    def close_hour(self, told: CloseHourIn) -> HourOut:
        """Close the hour of the track, if every portfolio of the roll has its row; else name who has none.

        The hour before is proved by then, and the proof of this one has begun.
        """
        hour = TradingHour.at(told.asof)
        self._await_proof(told.track, hour.previous)
        names: list[str] = json.loads(self._objects.read(told.portfolios))
        ends = self._tracks.ends(told.track, hour)
        missing = [name for name in names if name not in ends]
        settled_ = sum(ends[name].settled for name in names if name in ends)
        out = HourOut(asof=told.asof, outcome="", portfolios=len(names), settled=settled_)
        if missing:
            return out.model_copy(update={"reason": f"no row of {', '.join(missing[:5])}"})
        if told.lateness != "none":
            message = (
                f"the hour began {'after its end' if told.lateness == 'over' else 'too late for entries'}"
            )
            self._tracks.alert(told.track, f"late-hour/{hour_text(told.asof)}", "late-hour", "", message)
        self._tracks.end(told.track, hour, DONE, told.lateness, names)
        begun = self._begin_proof(told.track, hour)
        trouble = self._seal(told.track)
        if trouble:
            self._tracks.alert(told.track, f"audit-log/{hour_text(told.asof)}", "audit-log", "", trouble)
        begun()
        return out.model_copy(update={"outcome": DONE, "reason": told.lateness})

    def _await_proof(self, track: str, hour: TradingHour) -> None:
        until_s = monotonic() + PROOF_S
        while owed := self._owed(track, hour):
            if monotonic() > until_s:
                raise VenueUnavailable(f"{hour} is not proved yet of {', '.join(owed[:5])}")
            sleep(PROOF_LOOK_S)
