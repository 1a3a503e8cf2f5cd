"""What is looked up, trained and exported once a day or a month: thin steps over what adapters do."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from temporalio import activity

from activities.beating import beating
from activities.messages import CutIn
from activities.nightly_messages import NightlyAt, NightlyOut
from activities.ports import Objects, Tracks
from trading.clock import TradingHour
from trading.config import Fees, canonical_json
from trading.live.sight import LISTING

DAY = timedelta(days=1)
FEES = "fees"
"""What an account pays, as an observation."""


class Survey(Protocol):
    """Looks at every instrument of a track."""

    def look(self) -> Mapping[str, Mapping[str, Any]]:
        """By instrument: status, spread (a fraction), notional_24h (1e-8 quote)."""
        ...


class FeeBook(Protocol):
    """What accounts pay."""

    def asked(self) -> Fees | None:
        """The highest fees of any instrument by the venue's word; None where there is no account to ask."""
        ...

    def adopt(self, track: str, fees: Fees, since: TradingHour) -> list[str]:
        """Let fees hold from an hour on where they are higher; returns the portfolios they are new to."""
        ...


class Trainer(Protocol):
    """Both are long pieces of work that find done what is done."""

    def plan(self, beat: Callable[[], None]) -> bytes: ...

    def finish(self, beat: Callable[[], None]) -> str: ...


class NightlyActivities:
    """On the queues that each of them needs: the market's, the account's, training's."""

    def __init__(
        self,
        survey: Survey,
        fees: FeeBook,
        objects: Objects,
        tracks: Tracks,
        trainer: Trainer,
        export: Callable[[str, Any, Any], str],
    ) -> None:
        """`export` is a whole piece of work that says what it came to."""
        self._survey, self._fees, self._objects, self._tracks = survey, fees, objects, tracks
        self._trainer, self._export = trainer, export

    @activity.defn(name="nightly_survey")
    def survey(self, told: NightlyAt) -> NightlyOut:
        """Store the listing that hours from asof on go by."""
        hour = TradingHour.at(told.asof)
        with beating():
            pairs = self._survey.look()
            offline = sorted(name for name, row in pairs.items() if row["status"] != "online")
            content = canonical_json({"asof": str(hour), "pairs": pairs})
            reference = self._objects.put_bytes(content)
            facts = {"offline": offline, "pairs": len(pairs)}
            reference = self._tracks.observe(told.track, hour, LISTING, reference, facts)
            return NightlyOut(reference=reference, note=f"{len(pairs)} pairs, {len(offline)} not online")

    @activity.defn(name="nightly_fees")
    def fees(self, told: NightlyAt) -> NightlyOut:
        """Store what the account pays; where that is more than configured, it holds from the next hour."""
        hour = TradingHour.at(told.asof)
        with beating():
            asked = self._fees.asked()
            if asked is None:
                return NightlyOut(note="on paper nobody asks for more than what is configured")
            reference = self._objects.put_bytes(canonical_json({"asof": str(hour), **asked._asdict()}))
            reference = self._tracks.observe(told.track, hour, FEES, reference, asked._asdict())
            changed = self._fees.adopt(told.track, asked, hour.next)
            return NightlyOut(reference=reference, note=f"new to {', '.join(changed) or 'nobody'}")

    @activity.defn(name="plan_training")
    def plan_training(self, told: NightlyAt) -> CutIn:
        """Store the walk that ends with the newest bar."""
        del told
        return CutIn(walk=self._objects.put_bytes(self._trainer.plan(activity.heartbeat)))

    @activity.defn(name="finish_training")
    def finish_training(self, told: NightlyAt) -> NightlyOut:
        """Register the release of a walk that is trained."""
        del told
        return NightlyOut(note=self._trainer.finish(activity.heartbeat))

    @activity.defn(name="daily_export")
    def export(self, told: NightlyAt) -> NightlyOut:
        """Write the day before asof as a package."""
        end = told.asof.replace(hour=0, minute=0, second=0, microsecond=0)
        with beating():
            return NightlyOut(note=self._export(told.track, end - DAY, end))
