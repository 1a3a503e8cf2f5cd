"""What the replies of one hour, and of those since the state before it, say of one portfolio."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from adapters.kraken.catalogue import Catalogue
from adapters.kraken.recorded import recorded_balances, recorded_venue
from adapters.kraken.venue import KrakenVenue
from adapters.reconstruction.inputs import Inputs
from adapters.reconstruction.recorded import verdicts
from adapters.reconstruction.replies import SETTLED_AT, Account, Replies, account
from adapters.reconstruction.stages import Content, entry_told, fill_told
from adapters.storage.decisions import approvals_of
from trading.clock import TradingHour
from trading.execution.identity import intent_of, order_id
from trading.execution.protocol import Kind, Move, Report, Trade
from trading.ledger.posting import FLOWS, post
from trading.live.again import Approvals, Decided, Testimony
from trading.live.desk import Desk
from trading.live.flows import Flow
from trading.live.values import Approved, Booked

LOOKS_MAX = 3
"""As often as a comparison asks before it believes a difference."""
TRIES_MAX = 8
"""Orders of one leg of an intent: each rises only when the one before is known to be over or never placed."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Told:
    """One portfolio in one hour, from a state that stood after an earlier one."""

    def __init__(
        self, inputs: Inputs, replies: Replies, catalogue: Catalogue, settled: TradingHour, desk: Desk
    ) -> None:
        self._of, self._desk, self._settled = inputs, desk, settled
        self._catalogue = catalogue
        self._replies = replies
        first = settled.number
        self._account: Account = account(replies, first, desk.hour.number)
        rows = (self._account.orders, self._account.trades, self._account.ledger)
        self._venue: KrakenVenue = recorded_venue(self._catalogue, *rows)
        self._fetched = replies.fetched(desk.hour) or desk.hour.asof
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
            flows=self._flows(asked),
            looks=[recorded_balances(self._catalogue, row) for _, row in self._looks],
            word=self._of.word(self._desk.hour, asked),
        )

    def _flows(self, asked: datetime) -> list[Flow]:
        """Deposits, withdrawals and rewards since balances were compared for the decision before."""
        if self._desk.is_missed:
            return []
        since, brought = self._of.opened, list(self._of.brought)
        if self._settled >= self._of.first:
            before = self._replies.fetched(self._settled) or self._settled.asof
            since = next((look.at for look, _ in self._account.looks if look.at >= before), before)
            brought = []
        return brought + [
            Flow(move.id, move.asset, move.amount, move.what is Move.REWARD)
            for move in self._venue.movements(EPOCH)
            if move.what in FLOWS and move.amount and since < move.at <= asked
        ]

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
        moved = [m for m in self._venue.movements(EPOCH) if begin < m.at <= end and m.what not in FLOWS]
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
