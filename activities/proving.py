"""The proof of an hour: another process computes it again, and what it does not come to halts."""

from collections.abc import Callable, Sequence
from typing import Protocol

from temporalio import activity

from activities.beating import beating
from activities.halt_messages import TripIn
from activities.messages import HourIn, ProveOut, Trouble
from trading.clock import TradingHour
from trading.live.values import Proved
from trading.risk.trading_state import Cause

PROVER = "prover"
"""Who trips."""


class Prover(Protocol):
    """Another process."""

    def prove(self, hour: TradingHour) -> Sequence[Proved]: ...


class Proofs(Protocol):
    """Where proofs are kept."""

    def keep(self, track: str, hour: TradingHour, proved: Sequence[Proved]) -> None: ...

    def owed(self, track: str, hour: TradingHour) -> Sequence[str]: ...


Trip = Callable[[str, str, TripIn], None]
"""Halts (track, portfolio): first in the database, then by its guard."""


class ProvingActivities:
    """Of the queue `trading`."""

    def __init__(self, prover: Prover, proofs: Proofs, trip: Trip) -> None:
        self._prover, self._proofs, self._trip = prover, proofs, trip

    def activities(self) -> list[Callable[..., object]]:
        return [self.prove, self.give_up]

    @activity.defn
    def prove(self, told: HourIn) -> ProveOut:
        """Prove every portfolio of the hour; whoever's proof failed is halted before this returns."""
        with beating():
            hour = TradingHour.at(told.asof)
            return self._kept(told.track, hour, self._prover.prove(hour))

    @activity.defn
    def give_up(self, told: HourIn) -> ProveOut:
        """The hour could not be proved in all that time, and what is not proved is not trusted."""
        hour = TradingHour.at(told.asof)
        why = "no process could prove it in time"
        missing = [Proved.failed(name, why) for name in self._proofs.owed(told.track, hour)]
        return self._kept(told.track, hour, missing)

    def _kept(self, track: str, hour: TradingHour, proved: Sequence[Proved]) -> ProveOut:
        wrong = [one for one in proved if not one.held]
        for one in wrong:
            reason = f"{hour}: {one.note}"
            id = f"proof/{one.portfolio}/{hour}"
            self._trip(
                track,
                one.portfolio,
                TripIn(cause=Cause.PROOF, operator=PROVER, reason=reason, request_id=id),
            )
        self._proofs.keep(track, hour, proved)
        trouble = tuple(Trouble(portfolio=one.portfolio, reason=one.note) for one in wrong)
        return ProveOut(portfolios=len(proved), trouble=trouble)
