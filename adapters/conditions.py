"""The conditions of an hour, measured at its guard: how the venue answers, what its book and its clock show,
and whether other venues agree. In a replay all of it comes from the simulator's replies.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from statistics import median

from adapters.clock import Clock
from adapters.http import Wire
from adapters.importing.rows import Parsed
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.meter import Meter
from adapters.kraken.public import PublicApi
from adapters.kraken.timekeeping import KrakenTime
from adapters.nightly import spread_of
from adapters.reference import binance, coinbase
from adapters.storage.tracks import Tracks
from trading.clock import DAY_H, TradingHour
from trading.config import canonical_json
from trading.errors import BallastError
from trading.live.desk import Desk
from trading.risk.live_triggers import Conditions, LiveRules, live_triggers

CONDITIONS = "conditions"
USUAL_H, USUAL_H_MIN = 7 * DAY_H, DAY_H
"""Hours whose spreads make the usual one, and how many there must be."""
BITCOIN = "BTC"

Reference = Callable[[TradingHour], float]
"""Bitcoin's close at asof elsewhere; NaN where it is not known."""


class Gauge:
    """Measures once an hour for all portfolios of a track; what was measured first stands."""

    def __init__(
        self,
        public: PublicApi,
        catalogue: Catalogue,
        meter: Meter,
        time: KrakenTime,
        tracks: Tracks,
        store: Callable[[bytes], str],
        rules: LiveRules,
        references: Sequence[Reference] = (),
    ) -> None:
        """`time` measures the venue's clock against the one that deadlines are kept by."""
        self._public, self._catalogue, self._meter, self._time = public, catalogue, meter, time
        self._tracks, self._store, self._rules = tracks, store, rules
        self._references = references

    def fired(self, track: str, desk: Desk) -> list[str]:
        """Names of the triggers that fire in this hour."""
        hour = desk.hour
        known = self._tracks.observations(track, CONDITIONS, hour.previous, hour)
        if hour not in known:
            measured = self._measured(track, desk)
            fired = list(live_triggers(measured, self._rules))
            told = _plain(measured) | {"fired": fired}
            reference = self._store(canonical_json(told))
            if self._tracks.observe(track, hour, CONDITIONS, reference, told) == reference:
                return fired
            known = self._tracks.observations(track, CONDITIONS, hour.previous, hour)
        found: list[str] = json.loads(known[hour])["fired"]
        return found

    def _measured(self, track: str, desk: Desk) -> Conditions:
        a = [instrument.base for instrument in desk.instruments].index(BITCOIN)
        instrument, bars = desk.instruments[a], desk.sight.view.readings[a]
        spread = self._spread(instrument.name)
        return Conditions(
            failed_at_s=self._meter.failures(),
            latency_s=self._meter.slowest_s(),
            spread=spread,
            spread_median=self._usual(track, desk.hour, spread, bars.spread),
            divergence=self._divergence(desk.hour, float(instrument.price(bars.close))),
            skew_s=self._skew_s(),
        )

    def _spread(self, instrument: str) -> float:
        try:
            return spread_of(self._public.book(self._catalogue.id(instrument), 1))
        except BallastError:
            return nan

    def _usual(self, track: str, hour: TradingHour, spread: float, estimate: float) -> float:
        """The median of the last days' books, or what the bars tell where that is more; this one itself where
        neither is known.
        """
        since = TradingHour(hour.number - USUAL_H - 1)
        rows = self._tracks.observations(track, CONDITIONS, since, hour.previous)
        told = [json.loads(row)["spread"] for row in rows.values()]
        spreads = [each for each in told if each is not None]
        known = [median(spreads)] if len(spreads) >= USUAL_H_MIN else []
        known += [] if isnan(estimate) else [estimate]
        return max(known, default=spread)

    def _skew_s(self) -> float:
        try:
            return abs(self._time.measure().total_seconds())
        except BallastError:
            return nan

    def _divergence(self, hour: TradingHour, close: float) -> float:
        """From the nearest venue: only where none agrees is it ours that is wrong. 0 is no close."""
        if not close:
            return 0.0
        closes = [reference(hour) for reference in self._references]
        return min((abs(close / other - 1.0) for other in closes if not isnan(other)), default=0.0)


def references(wires: Mapping[str, Wire], clock: Clock) -> list[Reference]:
    """Venues that inform, by the wires to them."""

    def close(asked: Callable[[TradingHour], Parsed]) -> Reference:
        def known(hour: TradingHour) -> float:
            try:
                bars = asked(hour).bars
            except BallastError:
                return nan
            return float(bars["close"][-1]) if bars.height else nan

        return known

    return [
        close(lambda hour: binance.hours(wires["binance"], clock, "BTC/USDT", hour.number, hour.number)),
        close(lambda hour: coinbase.hours(wires["coinbase"], clock, "BTC/USD", hour.number, hour.number)),
    ]


def _plain(measured: Conditions) -> dict[str, object]:
    """As JSON tells it: nothing for what could not be measured."""
    told = measured._asdict() | {"failed_at_s": [round(at, 3) for at in measured.failed_at_s]}
    return {name: None if isinstance(v, float) and isnan(v) else v for name, v in told.items()}
