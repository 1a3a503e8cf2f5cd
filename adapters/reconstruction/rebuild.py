"""Computes the hours of a portfolio again, each from the state that the one before came to."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, Protocol
from uuid import UUID

from adapters.kraken.recorded import recorded_balances, recorded_venue
from adapters.kraken.venue import KrakenVenue
from adapters.reconstruction.inputs import Inputs
from adapters.reconstruction.market import Bars
from adapters.reconstruction.recorded import verdicts
from adapters.reconstruction.replies import SETTLED_AT, Account, Replies, account
from adapters.reconstruction.stages import Content, entry_told, fill_told, is_near
from adapters.storage.decisions import approvals_of
from trading.backtest.inputs import Scene
from trading.clock import TradingHour
from trading.errors import DataError
from trading.execution.identity import intent_of, order_id
from trading.execution.protocol import Kind, Report, Trade
from trading.ledger.posting import post
from trading.live.again import (
    Approvals,
    Decided,
    Testimony,
    decide_again,
    market_again,
    settle_again,
    view_again,
)
from trading.live.desk import Desk
from trading.live.documents import parse_state
from trading.live.machines import Machine
from trading.live.sight import Lateness, MarketRules, Sight, advice_of, dump_grid
from trading.live.values import Approved, Booked
from trading.models.protocol import Predictions
from trading.policies.benchmarks import POLICIES

LOOKS_MAX = 3
"""As often as a comparison asks before it believes a difference."""
TRIES_MAX = 8
"""Orders of one leg of an intent: each rises only when the one before is known to be over or never placed."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Release(Protocol):
    """What predicts for the portfolios that no policy drives."""

    def predict(self, market: Scene, hour: TradingHour) -> Predictions: ...


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
        rules: MarketRules,
        releases: Mapping[str, Release],
        kept: Callable[[TradingHour], Content | None],
    ) -> None:
        """`kept` gives the predictions that were recorded at an hour: another processor comes near them, and
        what followed from them can be judged by no others.
        """
        self.bars, self.replies = bars, replies
        self._rules, self._releases, self._kept = rules, releases, kept
        self.at = lru_cache(maxsize=1)(self._at)

    def _at(self, hour: TradingHour, predictors: tuple[str, ...]) -> tuple[Desk, Mapping[str, Content]]:
        """What anybody could see at asof, and the stages that led to it."""
        fetched = self.replies.fetched(hour)
        if fetched is None:
            raise DataError(f"no reply tells the candles of {hour}; that hour was not worked")
        grid, lateness = self.bars.window(hour), Lateness.of(hour, fetched)
        scene, execution = market_again(grid, self._rules, hour), self._rules.execution
        seen = Sight(grid.instruments, view_again(scene, hour, execution, lateness), "", {})
        stages = {"window": Content.of(dump_grid(grid)), "features": Content.of(seen.dump())}
        advice = {name: advice_of(name, scene, hour) for name in predictors if name in POLICIES}
        sight = seen._replace(advice=advice)
        for name in predictors:
            if name not in POLICIES:
                said = self._releases[name].predict(scene, hour)
                view = view_again(scene, hour, execution, lateness, said)
                sight = sight._replace(view=view, release=said.release)
        again, kept = Content.of(sight.dump()), self._kept(hour)
        stages["predictions"] = again
        judged = again.digest
        if kept is not None and kept.content is not None and kept.digest != judged and is_near(kept, again):
            judged, sight = kept.digest, Sight.parse(kept.content)
        instruments = [self._rules.instruments[name] for name in grid.instruments]
        return Desk(hour, judged, sight, instruments), stages


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
        told = Told(self._of, self._market, self._settled, desk)
        ticket, before = self._of.ticket(hour), parse_state(self._state, desk.names)
        said = told.testimony(self._approvals)
        decided = decide_again(desk, ticket, before, said, self._approvals, self._machine)
        kept = {n: some for n, some in self._approvals.items() if n >= self._settled.number}
        self._approvals = kept | {hour.number: decided.approved(desk.names)}
        fills = [fill for fill in told.booked(self._approvals) if told.is_of_hour(fill.trade)]
        stages |= told.stages(decided)
        if hour.number not in self._of.skipped:
            self._state = settle_again(desk, ticket, decided.state, fills, self._approvals, self._machine)
            self._settled = hour
            stages["state"] = Content.of(self._state.encode())
        return Rebuilt(hour, stages, self._state)


class Told:
    """What the replies of one hour, and of those since the state before it, say of the portfolio."""

    def __init__(self, inputs: Inputs, market: Market, settled: TradingHour, desk: Desk) -> None:
        self._of, self._desk, self._settled = inputs, desk, settled
        self._catalogue = market.bars.catalogue
        first = settled.number
        self._account: Account = account(market.replies, first, desk.hour.number)
        rows = (self._account.orders, self._account.trades, self._account.ledger)
        self._venue: KrakenVenue = recorded_venue(self._catalogue, *rows)
        self._fetched = market.replies.fetched(desk.hour) or desk.hour.asof
        self._looks = [look for look in self._account.looks if look[0].at >= self._fetched][:LOOKS_MAX]
        mine = [t for t in self._venue.trades(EPOCH) if inputs.own is None or t.id in inputs.own]
        self._trades = [trade for trade in mine if not self._is_folded(trade)]
        ids = sorted({trade.order for trade in self._trades})
        self._reports: dict[str, Report] = {report.venue_id: report for report in self._venue.reports(ids)}

    def testimony(self, approvals: Approvals) -> Testimony:
        """Everything that the decision takes from others."""
        asked = self._looks[0][0].at if self._looks else self._fetched
        return Testimony(
            late=[fill for fill in self.booked(approvals) if self._is_late(fill.trade)],
            looks=[recorded_balances(self._catalogue, row) for _, row in self._looks],
            word=self._of.word(self._desk.hour, asked),
        )

    def booked(self, approvals: Approvals) -> list[Booked]:
        """The trades that are part of no state yet, each with the order that it is of."""
        numbers = {txid: number for number, txid in enumerate(self._account.orders)}
        decisions = self._decisions(approvals)
        booked = []
        for trade in self._trades:
            report = self._reports[trade.order]
            asof = decisions.get(str(report.id), self._desk.hour)
            booked.append(Booked(trade, Kind(report.kind), numbers[trade.order], asof.asof))
        return booked

    def is_of_hour(self, trade: Trade) -> bool:
        """The trade is folded when the hour is settled."""
        hour = self._desk.hour
        shown = self._account.shown[trade.id].at < hour.next.asof
        return trade.at <= hour.asof + SETTLED_AT and shown and not self._is_late(trade)

    def _is_late(self, trade: Trade) -> bool:
        """The trade was known when balances were compared before the decision. One of
        this hour's own orders may bear the same time and was shown later.
        """
        compared = not self._looks or self._account.shown[trade.id].number < self._looks[0][0].number
        return trade.at <= self._desk.hour.asof and compared

    def stages(self, decided: Decided) -> dict[str, Content]:
        """What a portfolio's hour left, its state aside."""
        desk, hour = self._desk, self._desk.hour
        rows = approvals_of(self._of.key, hour.asof, desk.names, decided.decision, decided.orders)
        begin, end = hour.previous.asof + SETTLED_AT, hour.asof + SETTLED_AT
        trades = [trade for trade in self._trades if begin < trade.at <= end]
        kinds = {trade.id: self._reports[trade.order].kind for trade in trades}
        moved = [m for m in self._venue.movements(EPOCH) if begin < m.at <= end]
        instruments = {i.name: i for i in desk.instruments}
        entries = post(self._of.key.track, trades, moved, instruments, self._of.quote).entries
        return {
            "decision": Content.of(decided.document.encode()),
            "verdict": Content.told(verdicts(rows)),
            "orders": Content.told(self._orders(decided.approved(desk.names))),
            "fills": Content.told({t.id: fill_told(t, kinds[t.id]) for t in trades}),
            "entries": Content.told({entry.name: entry_told(entry) for entry in entries}),
        }

    def _orders(self, approved: Mapping[str, Approved]) -> dict[str, object]:
        """What reached the venue under the ids that follow from what was approved."""
        told: dict[str, object] = {}
        ids = {str(id): name for name in approved for id in self._ids(name, self._desk.hour)}
        shown = [txid for txid, row in self._account.orders.items() if row.get("cl_ord_id") in ids]
        for report in self._venue.reports(shown):
            name = ids[str(report.id)]
            asked = self._account.sent.get(str(report.id), {}).get("close[price]")
            stop = self._ticks(name, asked) if asked else 0
            told[str(report.id)] = [report.instrument, str(report.kind), report.lots, report.price, stop]
        return told

    def _decisions(self, approvals: Approvals) -> dict[str, TradingHour]:
        """Whose approval an order of ours rests on, by our id: it follows from the intent."""
        return {
            str(id): TradingHour(number)
            for number, approved in approvals.items()
            for name in approved
            for id in self._ids(name, TradingHour(number))
        }

    def _ids(self, instrument: str, hour: TradingHour) -> Iterator[UUID]:
        intent = intent_of(self._of.key.portfolio, hour, instrument)
        for kind in (Kind.LIMIT, Kind.MARKET):
            for n in range(TRIES_MAX):
                yield order_id(self._of.key.track, intent, kind, n)

    def _ticks(self, instrument: str, price: str) -> int:
        return self._catalogue.instrument(instrument).ticks(Decimal(price))

    def _is_folded(self, trade: Trade) -> bool:
        """The trade is part of the state. What the venue showed only after that state is not."""
        before = self._settled
        shown = self._account.shown[trade.id].at < before.next.asof or trade.at < before.asof
        return trade.at <= before.asof + SETTLED_AT and shown
