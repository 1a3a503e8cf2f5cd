"""What was said of one portfolio in one hour, and in those since the state before it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from adapters.reconstruction.inputs import Inputs
from adapters.reconstruction.recorded import verdicts
from adapters.reconstruction.replies import SETTLED_AT, Replies
from adapters.reconstruction.said import AccountSaid
from adapters.reconstruction.stages import Content, entry_told, fill_told
from adapters.storage.decisions import approvals_of
from trading.clock import HOUR_S, TradingHour
from trading.execution.identity import intent_of, order_id, protection_of
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


class Told:
    """One portfolio in one hour, from a state that stood after an earlier one."""

    def __init__(
        self, inputs: Inputs, replies: Replies, said: AccountSaid, settled: TradingHour, desk: Desk
    ) -> None:
        """`said` is all of the hours from `settled` to that of `desk`."""
        self._of, self._desk, self._settled = inputs, desk, settled
        self._replies, self._said = replies, said
        self._fetched = replies.fetched(desk.hour) or desk.hour.asof
        self._looks = [look for look in said.looks if look.at >= self._fetched][:LOOKS_MAX]
        mine = [trade for trade in said.trades if self._is_ours(trade)]
        self._trades = [trade for trade in mine if not self._is_folded(trade)]
        ids = sorted({trade.order for trade in self._trades})
        self._reports: dict[str, Report] = {report.venue_id: report for report in said.reports(ids)}

    def _is_ours(self, trade: Trade) -> bool:
        """The trade is of an order of this portfolio: a person's own moves no state of it."""
        return self._is_our_order(trade.order) if self._of.own is None else trade.id in self._of.own

    def _is_our_order(self, txid: str) -> bool:
        """The order carries an id that follows from an hour of ours, or one that does left it behind. One
        that no reply of this span shows was opened before it, by us: its trades could not be booked else.
        """
        if txid not in self._said.orders:
            return True
        order = self._said.placed(txid)
        if order.parent:
            return self._is_our_order(order.parent)
        slot = int(order.opened.timestamp()) // HOUR_S
        hours = (TradingHour(slot), TradingHour(slot - 1))
        return any(order.id in self._all_ids(order.instrument, hour) for hour in hours)

    def testimony(self, approvals: Approvals) -> Testimony:
        """Everything that the decision takes from others."""
        asked = self._looks[0].at if self._looks else self._fetched
        return Testimony(
            late=[fill for fill in self.booked(approvals) if self._is_late(fill.trade)],
            flows=self._flows(asked),
            looks=[look.balances for look in self._looks],
            word=self._of.word(self._desk.hour, asked),
        )

    def _flows(self, asked: datetime) -> list[Flow]:
        """Deposits, withdrawals and rewards since balances were compared for the decision before."""
        if self._desk.is_missed:
            return []
        since, brought = self._of.opened, list(self._of.brought)
        if self._settled >= self._of.first:
            before = self._replies.fetched(self._settled) or self._settled.asof
            since = next((look.at for look in self._said.looks if look.at >= before), before)
            brought = []
        return brought + [
            Flow(move.id, move.asset, move.amount, move.what is Move.REWARD)
            for move in self._said.movements
            if move.what in FLOWS and move.amount and since < move.at <= asked
        ]

    def booked(self, approvals: Approvals) -> list[Booked]:
        """The trades that are part of no state yet, each with the order that it is of."""
        numbers = {txid: number for number, txid in enumerate(self._said.orders)}
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
        shown = self._said.shown[trade.id].at < hour.next.asof
        return trade.at <= hour.asof + SETTLED_AT and shown and not self._is_late(trade)

    def _is_late(self, trade: Trade) -> bool:
        """The trade was known when balances were compared before the decision. One of
        this hour's own orders may bear the same time and was shown later.
        """
        compared = not self._looks or self._said.shown[trade.id].number < self._looks[0].number
        return trade.at <= self._desk.hour.asof and compared

    def stages(self, decided: Decided) -> dict[str, Content]:
        """What a portfolio's hour left, its state aside."""
        desk, hour = self._desk, self._desk.hour
        rows = approvals_of(self._of.key, hour.asof, desk.names, decided.decision, decided.orders)
        begin, end = hour.previous.asof + SETTLED_AT, hour.asof + SETTLED_AT
        trades = [trade for trade in self._trades if begin < trade.at <= end]
        kinds = {trade.id: self._reports[trade.order].kind for trade in trades}
        moved = [m for m in self._said.movements if begin < m.at <= end and m.what not in FLOWS]
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
        ids = {str(id) for name in approved for id in self._ids(name, self._desk.hour)}
        shown = [txid for txid, id in self._said.orders.items() if id in ids]
        for report in self._said.reports(shown):
            stop = self._said.stop(report)
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

    def _all_ids(self, instrument: str, hour: TradingHour) -> set[str]:
        """Every id that an hour can give, those of the stops that stand in for a position's own too."""
        track, of = self._of.key
        stops = (intent_of(of, hour, instrument), protection_of(of, hour, instrument))
        covers = {str(order_id(track, what, Kind.STOP, n)) for what in stops for n in range(TRIES_MAX)}
        return covers | {str(id) for id in self._ids(instrument, hour)}

    def _is_folded(self, trade: Trade) -> bool:
        """The trade is part of the state. What the venue showed only after that state is not."""
        before = self._settled
        shown = self._said.shown[trade.id].at < before.next.asof or trade.at < before.asof
        return trade.at <= before.asof + SETTLED_AT and shown
