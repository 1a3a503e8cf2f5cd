"""The nightly look at what every portfolio of a track did, and what follows from it."""

from collections.abc import Callable
from typing import Protocol

from temporalio import activity

from activities.beating import beating
from activities.nightly_messages import NightlyAt, NightlyOut
from activities.ports import Tracks
from trading.clock import TradingHour
from trading.errors import BallastError


class Watch(Protocol):
    """The monitors of portfolios."""

    def run(self, track: str, portfolio: str) -> str:
        """Look, do what follows, once an asof; says what it came to."""
        ...


class MonitoringActivities:
    """Of the queue `market`: it reads much and decides nothing of the hour."""

    def __init__(self, watch: Watch, tracks: Tracks) -> None:
        self._watch, self._tracks = watch, tracks

    def activities(self) -> list[Callable[..., object]]:
        return [self.monitor]

    @activity.defn
    def monitor(self, told: NightlyAt) -> NightlyOut:
        """Run the monitors of each portfolio; one that cannot be looked at is an alert, and named."""
        notes = []
        with beating():
            hour = TradingHour.at(told.asof)
            for name in self._tracks.roll(told.track, hour):
                try:
                    notes.append(f"{name}: {self._watch.run(told.track, name)}")
                except BallastError as error:
                    alert = f"monitors/{name}/{hour}"
                    message = f"the monitors of {name} could not look: {error}"
                    self._tracks.alert(told.track, alert, "monitor", name, message)
                    notes.append(f"{name}: {error}")
        return NightlyOut(note="; ".join(notes))
