"""Computes the hours of a portfolio again, each from the state that the one before came to."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from adapters.reconstruction.inputs import Inputs
from adapters.reconstruction.market import Bars
from adapters.reconstruction.paper import PaperLines
from adapters.reconstruction.replies import Replies
from adapters.reconstruction.said import AccountSaid
from adapters.reconstruction.stages import OUTPUTS, Content, is_near
from adapters.reconstruction.told import Told
from trading.backtest.inputs import Scene
from trading.clock import TradingHour
from trading.codes import WARMING
from trading.errors import DataError, NotReady
from trading.live.again import (
    Approvals,
    decide_again,
    market_again,
    settle_again,
    view_again,
)
from trading.live.desk import Desk
from trading.live.documents import parse_state
from trading.live.machines import Machine
from trading.live.sight import (
    Lateness,
    MarketRules,
    Sight,
    advice_of,
    dump_grid,
    keep_to_listing,
    lacks_history,
)
from trading.models.protocol import Said
from trading.policies.benchmarks import POLICIES
from trading.universe import BP


class Release(Protocol):
    """What predicts for the portfolios that no policy drives."""

    def predict(self, market: Scene, hour: TradingHour) -> Said: ...


Listing = Mapping[str, Any]
"""What the venue itself says of its pairs, by instrument."""


class Given(Protocol):
    """What the market's stages take beside replies."""

    @property
    def kept(self) -> Callable[[TradingHour], Content | None]: ...

    @property
    def listing(self) -> Callable[[TradingHour], Listing]: ...

    @property
    def paper(self) -> PaperLines: ...


class Rebuilt(NamedTuple):
    """One hour."""

    hour: TradingHour
    stages: Mapping[str, Content]
    state: str
    """The document that the next hour begins with."""


class Market:
    """The market's stages, once an hour for every portfolio."""

    def __init__(
        self,
        bars: Bars,
        replies: Replies,
        account: Callable[[int, int], AccountSaid],
        rules: MarketRules,
        releases: Mapping[str, Release],
        given: Given,
        *,
        warms: bool,
    ) -> None:
        """`account` gives what was said of the account in a span of hours, both included.

        Another processor comes near the predictions that were recorded, and what followed from them can be
        judged by no others. With `warms` an hour without enough history warms up.
        """
        self.bars, self.replies, self.account = bars, replies, account
        self._rules, self._releases, self._warms = rules, releases, warms
        self._kept, self.listing, self.paper = given.kept, given.listing, given.paper
        self.at = lru_cache(maxsize=1)(self._at)

    def _at(self, hour: TradingHour, predictors: tuple[str, ...]) -> tuple[Desk, Mapping[str, Content]]:
        """What anybody could see at asof, and the stages that led to it."""
        fetched = self.replies.fetched(hour)
        if fetched is None:
            raise DataError(f"no reply tells the candles of {hour}; that hour was not worked")
        grid, lateness = self.bars.window(hour), Lateness.of(hour, fetched)
        scene, execution = market_again(grid, self._rules, hour), self._rules.execution
        spread_max = self._rules.universe.spread_bp_max / BP
        view = view_again(scene, hour, execution, lateness)
        if self._warms and lacks_history(grid):
            view.market.refused = WARMING
        keep_to_listing(view, grid.instruments, self.listing(hour), spread_max)
        seen = Sight(grid.instruments, view, "", {})
        stages = {"window": Content.of(dump_grid(grid)), "features": Content.of(seen.dump())}
        advice = {name: advice_of(name, scene, hour) for name in predictors if name in POLICIES}
        sight = seen._replace(advice=advice)
        for name in predictors:
            if name not in POLICIES and sight.view.market.refused != WARMING:
                sight, outputs = self._predicted(name, sight, scene, hour, lateness)
                stages |= {OUTPUTS: Content.of(outputs)} if outputs else {}
        again, kept = Content.of(sight.dump()), self._kept(hour)
        stages["predictions"] = again
        judged = again.digest
        if kept is not None and kept.content is not None and kept.digest != judged and is_near(kept, again):
            judged, sight = kept.digest, Sight.parse(kept.content)
        instruments = [self._rules.instruments[name] for name in grid.instruments]
        return Desk(hour, judged, sight, instruments), stages

    def _predicted(
        self, name: str, sight: Sight, scene: Scene, hour: TradingHour, lateness: Lateness
    ) -> tuple[Sight, bytes]:
        """The sight with a release's predictions in it, and what every model said."""
        try:
            said, outputs = self._releases[name].predict(scene, hour)
        except NotReady:
            sight.view.market.refused = WARMING
            return sight, b""
        view = view_again(scene, hour, self._rules.execution, lateness, said)
        if self._warms and lacks_history(scene.grid):
            view.market.refused = WARMING
        for reading, seen in zip(view.readings, sight.view.readings, strict=True):
            reading.eligible = seen.eligible
        return sight._replace(view=view, release=said.release), outputs


class Rebuilder:
    """One portfolio, moved forward hour by hour."""

    def __init__(
        self, inputs: Inputs, market: Market, machine: Machine, approvals: Approvals = MappingProxyType({})
    ) -> None:
        """`approvals` are those of hours before the first, whose last fills may come in it."""
        self._of, self._market, self._machine = inputs, market, machine
        self._settled, self._state = inputs.began, inputs.state
        self._approvals = dict(approvals)

    def through(self, last: TradingHour) -> Iterator[Rebuilt]:
        """The hours after the state, up to `last`; one that nobody worked is passed over."""
        for number in range(max(self._settled.number + 1, self._of.first.number), last.number + 1):
            hour = TradingHour(number)
            if self._market.replies.fetched(hour) is not None:
                yield self.rebuild(hour)

    def rebuild(self, hour: TradingHour) -> Rebuilt:
        """One hour, by everything that was said in it."""
        desk, seen = self._market.at(hour, self._of.predictors(hour))
        stages = dict(seen)
        said = self._market.account(self._settled.number, hour.number)
        told = Told(self._of, self._market.replies, said, self._settled, desk)
        ticket, before = self._of.ticket(hour), parse_state(self._state, desk.names)
        testimony = told.testimony(self._approvals)
        decided = decide_again(desk, ticket, before, testimony, self._approvals, self._machine)
        kept = {n: some for n, some in self._approvals.items() if n >= self._settled.number}
        self._approvals = kept | {hour.number: decided.approved(desk.names)}
        fills = [fill for fill in told.booked(self._approvals) if told.is_of_hour(fill.trade)]
        stages |= told.stages(decided)
        if hour.number not in self._of.skipped:
            self._state = settle_again(desk, ticket, decided.state, fills, self._approvals, self._machine)
            self._settled = hour
            stages["state"] = Content.of(self._state.encode())
        return Rebuilt(hour, stages, self._state)
