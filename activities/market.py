"""The market's work of an hour, done once for all portfolios: fetch, features, predict."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from temporalio import activity

from activities.beating import beating
from activities.floor import check_come
from activities.messages import (
    BackfillOut,
    BackfillPiece,
    FeaturesIn,
    FeaturesOut,
    Fetched,
    HourIn,
    Predicted,
    PredictIn,
)
from activities.ports import Clock, Feed, Objects, Release, Tracks
from trading.backtest.inputs import Scene
from trading.clock import TradingHour
from trading.codes import WARMING
from trading.errors import NotReady, UsageError
from trading.live.sight import (
    LISTING,
    Lateness,
    MarketRules,
    Sight,
    advice_of,
    derived,
    dump_grid,
    keep_to_listing,
    lacks_history,
    view_of,
)
from trading.models.protocol import Predictions
from trading.policies.benchmarks import POLICIES
from trading.portfolio import View
from trading.universe import BP


class MarketActivities:
    """Activities of the queue `market`."""

    def __init__(
        self,
        feed: Feed,
        objects: Objects,
        tracks: Tracks,
        clock: Clock,
        rules: MarketRules,
        releases: Mapping[str, Release],
        environment: str,
        *,
        warms: bool = False,
    ) -> None:
        """`releases` by the name that mandates call them by; `environment` names the object that says what
        hours are computed with. With `warms` an hour whose window lacks history warms up; a replay begins
        behind a whole window, and its backtest knows no warming.
        """
        self._feed, self._objects, self._tracks, self._clock = feed, objects, tracks, clock
        self._rules, self._releases, self._warms = rules, releases, warms
        self._environment = environment
        # Features and predictions of an hour look at the same window.
        self._derived = lru_cache(maxsize=2)(self._derive)

    def activities(self) -> list[Callable[..., object]]:
        return [self.fetch, self.features, self.predict, self.backfill]

    @activity.defn
    def fetch(self, told: HourIn) -> Fetched:
        """Bring the market's hours up to asof and store the window that decisions may see."""
        hour = TradingHour.at(told.asof)
        check_come(hour, self._clock.now())
        with beating():
            window = self._tracks.stage(told.track, hour, "fetch")
            if not window:
                self._feed.catch_up(hour)
                grid = self._feed.window(hour)
                window = self._objects.put_bytes(dump_grid(grid))
                facts = {"hours": grid.hours, "instruments": len(grid.instruments), "venue": grid.venue}
                facts |= {"environment": self._environment}
                window = self._tracks.keep_stage(told.track, hour, "fetch", window, facts)
        return Fetched(window=window, lateness=Lateness.of(hour, self._clock.now()))

    @activity.defn
    def features(self, told: FeaturesIn) -> FeaturesOut:
        """What the window says of the market and of each instrument at asof."""
        hour = TradingHour.at(told.asof)
        with beating():
            view = self._view(self._derived(told.window), hour, Lateness(told.lateness))
            listing = self._tracks.observed(told.track, hour, LISTING)
            self._keep_to(listing, view, self._derived(told.window).grid.instruments)
            sight = Sight(self._derived(told.window).grid.instruments, view, "", {})
            reference = self._objects.put_bytes(sight.dump())
            eligible = sum(reading.eligible for reading in view.readings)
            facts = {"eligible": eligible, "lateness": told.lateness, "refused": view.market.refused}
            facts |= {"listing": listing} if listing else {}
            reference = self._tracks.keep_stage(told.track, hour, "features", reference, facts)
        return FeaturesOut(features=reference)

    @activity.defn
    def predict(self, told: PredictIn) -> Predicted:
        """Add what the release, or the policies that drive a portfolio, make of it."""
        hour = TradingHour.at(told.asof)
        with beating():
            outputs = b""
            sight, market = Sight.parse(self._objects.read(told.features)), self._derived(told.window)
            predictors = self._tracks.predictors(told.track, hour)
            policies = [name for name in predictors if name in POLICIES]
            sight = sight._replace(advice={name: advice_of(name, market, hour) for name in policies})
            for name in predictors:
                if name not in POLICIES:
                    sight, outputs = self._predicted(name, sight, market, hour, Lateness(told.lateness))
            reference = self._objects.put_bytes(sight.dump())
            facts = {"policies": policies, "release": sight.release}
            facts |= {"outputs": self._objects.put_bytes(outputs)} if outputs else {}
            reference = self._tracks.keep_stage(told.track, hour, "predict", reference, facts)
        return Predicted(view=reference, release=sight.release)

    @activity.defn
    def backfill(self, told: BackfillPiece) -> BackfillOut:
        """Rebuild one instrument's hours from its trades; bars that are there already stay."""
        with beating():
            span = (TradingHour.at(told.first), TradingHour.at(told.last))
            return BackfillOut(added=self._feed.backfill(told.instrument, *span))

    def _predicted(
        self, name: str, sight: Sight, market: Scene, hour: TradingHour, lateness: Lateness
    ) -> tuple[Sight, bytes]:
        """The sight with a release's predictions in it, and what every model said; a track has one release
        at a time.
        """
        if sight.release:
            raise UsageError(f"{sight.release} and {name} cannot both predict in {hour}; give one to all")
        if sight.view.market.refused == WARMING:
            return sight, b""
        try:
            said, outputs = self._releases[name].predict(market, hour)
        except NotReady as error:
            activity.logger.warning("no release predicts, the hour warms up: %s", error)
            sight.view.market.refused = WARMING
            return sight, b""
        view = self._view(market, hour, lateness, said)
        for reading, seen in zip(view.readings, sight.view.readings, strict=True):
            reading.eligible = seen.eligible
        return sight._replace(view=view, release=said.release), outputs

    def _keep_to(self, listing: str, view: View, instruments: Sequence[str]) -> None:
        if listing:
            pairs = json.loads(self._objects.read(listing))["pairs"]
            keep_to_listing(view, instruments, pairs, self._rules.universe.spread_bp_max / BP)

    def _view(
        self, market: Scene, hour: TradingHour, lateness: Lateness, said: Predictions | None = None
    ) -> View:
        view = view_of(market, hour, self._rules.execution, lateness, said)
        if self._warms and lacks_history(market.grid):
            view.market.refused = WARMING
        return view

    def _derive(self, window: str) -> Scene:
        return derived(self._objects.read(window), self._rules)
