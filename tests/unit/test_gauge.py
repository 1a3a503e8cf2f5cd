"""What an hour measures: the usual spread, who disagrees, and that it is measured once."""

import json
import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from adapters.clock import SystemClock
from adapters.conditions import CONDITIONS, USUAL_H_MIN, Gauge
from adapters.kraken.meter import Meter
from adapters.kraken.schemas_public import Book
from config.instruments import grid_for
from config.trading import live_rules
from tests.venue import FIRST, reading
from trading.clock import TradingHour
from trading.errors import VenueUnavailable
from trading.live.desk import Desk
from trading.live.sight import Sight
from trading.portfolio import Market, View
from trading.records import blank
from trading.risk.live_triggers import CLOCK_SKEW, SPREAD_ANOMALY, VENUE_DIVERGENCE

BTC, TRACK = grid_for("BTC/USD"), "paper-1"
HOUR = TradingHour(FIRST)
CLOSE, ESTIMATE = 80_000, 0.001


class Venue:
    """A book of some spread, a clock some seconds off, and a name for every pair; or silence."""

    def __init__(self, spread: float = 0.0005, skew_s: float = 0.5, *, silent: bool = False) -> None:
        self.spread, self.skew_s, self.silent = spread, skew_s, silent
        self.asked = 0

    def id(self, name: str) -> str:
        return name

    def book(self, _pair: str, _count: int) -> Book:
        self.asked += 1
        if self.silent:
            raise VenueUnavailable("nobody answers")
        sides = {"asks": 8_000 * (1 + self.spread / 2), "bids": 8_000 * (1 - self.spread / 2)}
        told = {side: [[f"{price:.6f}", "1", 0]] for side, price in sides.items()}
        return Book.model_validate_json(json.dumps(told))

    def measure(self) -> timedelta:
        if self.silent:
            raise VenueUnavailable("nobody answers")
        return timedelta(seconds=self.skew_s)


class Tracks:
    """Observations of one track in memory."""

    def __init__(self) -> None:
        self.kept: dict[TradingHour, str] = {}

    def observe(
        self, _track: str, hour: TradingHour, what: str, reference: str, summary: Mapping[str, object]
    ) -> str:
        assert what == CONDITIONS
        self.kept.setdefault(hour, json.dumps(summary))
        return reference

    def observations(
        self, _track: str, _what: str, after: TradingHour, through: TradingHour
    ) -> dict[TradingHour, str]:
        return {hour: told for hour, told in self.kept.items() if after < hour <= through}


def desk(hour: TradingHour = HOUR, estimate: float = ESTIMATE) -> Desk:
    view = View(blank(Market, 1)[0], [reading(CLOSE, estimate)])
    return Desk(hour, "", Sight(("BTC/USD",), view, "", {}), [BTC])


def gauge(venue: Venue, tracks: Tracks, *others: float) -> Gauge:
    meter = Meter(SystemClock())
    meter.answered(0.3)
    references = [lambda _hour, close=close: close for close in others]
    there: Any = venue
    kept: Any = tracks
    return Gauge(there, there, meter, there, kept, lambda _content: "0" * 64, live_rules(), references)


@pytest.mark.parametrize(
    ("venue", "others", "fired"),
    [
        (Venue(), (), []),
        (Venue(spread=0.0029), (), []),
        (Venue(spread=0.0032), (), [SPREAD_ANOMALY]),
        (Venue(skew_s=-6.0), (), [CLOCK_SKEW]),
        (Venue(), (8_100.0,), [VENUE_DIVERGENCE]),
        (Venue(), (8_100.0, 8_010.0), []),
        (Venue(), (8_100.0, math.nan), [VENUE_DIVERGENCE]),
        (Venue(), (math.nan, math.nan), []),
        (Venue(silent=True), (), [SPREAD_ANOMALY, CLOCK_SKEW]),
    ],
)
def test_each_condition_fires_beyond_what_is_usual(
    venue: Venue, others: tuple[float, ...], fired: list[str]
) -> None:
    assert gauge(venue, Tracks(), *others).fired(TRACK, desk()) == fired


def test_what_was_measured_first_stands() -> None:
    venue, tracks = Venue(), Tracks()
    watch = gauge(venue, tracks)
    assert watch.fired(TRACK, desk()) == []
    venue.spread = 0.5
    assert watch.fired(TRACK, desk()) == []
    assert venue.asked == 1
    assert watch.fired(TRACK, desk(HOUR.next)) == [SPREAD_ANOMALY]


def test_after_a_day_the_usual_spread_is_that_of_the_book() -> None:
    venue, tracks = Venue(spread=0.0015), Tracks()
    watch = gauge(venue, tracks)
    for number in range(USUAL_H_MIN):
        watch.fired(TRACK, desk(TradingHour(FIRST + number), estimate=0.0006))
    venue.spread = 0.004
    told = desk(TradingHour(FIRST + USUAL_H_MIN), estimate=0.0006)
    assert watch.fired(TRACK, told) == [], "three times the estimate, but not three times what the book was"
