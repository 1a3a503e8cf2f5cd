"""The venue itself: one account, its orders, and venue time. Everything that happens has a moment and a
truth row.

Inside the hour after an asof: market orders and limits to sell at the market trade when they arrive. At asof
+ 2 min the bar is played on what rests, in the order of `simulator.fills`. A limit that arrives later meets
the same bar at once; a stop acts from the next bar on. From minute 55 on the bar is its close. Nothing
trades while the venue or the pair is not online.
"""

from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from itertools import count

from simulator.catalogue import Catalogue, Pair
from simulator.faults import Faults
from simulator.fills import (
    ENTRIES,
    EXITS,
    GAPS,
    SELL_LIMITS,
    STOPS,
    Scenery,
    at_limit,
    budget_of,
    forced,
    meet,
    only_close,
)
from simulator.orders import LIMIT, MARKET, STOP, Entry, Ids, Ledger, Order, Trade
from simulator.tape import CLOSE_NS, FIRST_EVENT_NS, HOUR_NS, SECOND_NS, Tape
from simulator.truth import Truth
from trading.codes import FILL_KINDS, FILL_MAKER
from trading.config import Fees, TradingConfig
from trading.errors import UsageError
from trading.execution.fills import Fill
from trading.money import PPM, muldiv_floor, share
from trading.portfolio import Terms

BAR_EVENTS = (EXITS, GAPS, ENTRIES, SELL_LIMITS, STOPS)
ON_ARRIVAL = (EXITS, ENTRIES, SELL_LIMITS)

Action = Callable[[], object]


class Exchange:
    """State and time of the venue; it answers no requests itself."""

    def __init__(
        self,
        tape: Tape,
        catalogue: Catalogue,
        config: TradingConfig,
        start_ns: int,
        deposits: Mapping[str, int],
        truth: Truth,
        faults: Faults,
        seed: int = 0,
    ) -> None:
        """Open at `start_ns`, inside the tape, with `deposits` by asset name; else a `UsageError`."""
        self.tape, self.catalogue, self.truth, self.faults = tape, catalogue, truth, faults
        self._config = config
        self.now_ns, self.end_ns = start_ns, tape.last * HOUR_NS
        if not tape.first * HOUR_NS <= start_ns < self.end_ns:
            raise UsageError("the simulator must open inside the hours it has bars for")
        self.column = {instrument.name: a for a, instrument in enumerate(tape.instruments)}
        self.terms = [Terms.of(instrument) for instrument in tape.instruments]
        self.orders: dict[str, Order] = {}
        self.trades: list[Trade] = []
        self.ledger = Ledger()
        self._ids, self._numbers = Ids(seed), count(1)
        self._open: dict[str, Order] = {}
        self._events: list[tuple[int, int, Action]] = []
        self._budgets: dict[int, int] = {}
        self._timer: object = None
        for asset, amount in deposits.items():
            self.transfer(asset, amount)
        hour = start_ns // HOUR_NS * HOUR_NS
        self.at(hour if hour + FIRST_EVENT_NS >= start_ns else hour + HOUR_NS, self._open_bar)
        # A bar that begins now is open before the first order: later it would give its volume twice.
        self.advance(start_ns)

    def advance(self, to_ns: int) -> None:
        """Let time pass up to `to_ns`, event by event; the past and what lies beyond the tape are not
        reached.
        """
        to_ns = min(to_ns, self.end_ns)
        while self._events and self._events[0][0] <= to_ns:
            at, _, action = heappop(self._events)
            self.now_ns = max(self.now_ns, at)
            action()
        self.now_ns = max(self.now_ns, to_ns)

    def at(self, time_ns: int, action: Action) -> None:
        """Do something at a later moment; moments already past come with the next advance."""
        heappush(self._events, (time_ns, next(self._numbers), action))

    @property
    def next_event_ns(self) -> int:
        return self._events[0][0] if self._events else self.end_ns

    @property
    def config(self) -> TradingConfig:
        """The configuration with the fees that hold now."""
        rule = self.faults.state("fees", None, self.now_ns)
        return self._config._replace(fees=Fees(**rule.args)) if rule else self._config

    def mode(self, pair: Pair | None) -> str:
        """The state of the venue, or of one pair."""
        rule = self.faults.state("mode", pair.name if pair else None, self.now_ns)
        return str(rule.args["status"]) if rule else "online"

    def scenery(self, a: int, at_ns: int | None = None) -> Scenery:
        """What an order for column `a` meets at a time, now by default."""
        hour, into_ns = divmod(self.now_ns if at_ns is None else at_ns, HOUR_NS)
        bar = self.tape.bar(min(hour + 1, self.tape.last), a)
        if into_ns >= CLOSE_NS or hour == self.tape.last:
            bar = only_close(bar)
        thin = self.faults.state("thin", self.tape.instruments[a].name, self.now_ns)
        if thin:
            bar.volume = share(bar.volume, int(thin.args["share_ppm"]))
        return Scenery(hour, bar, self.tape.reading(hour, a), self.terms[a], self.config)

    def forced_price(self, a: int, at_ns: int | None = None) -> int:
        """Ticks at which holders are bought out of an instrument that fell silent while the market traded;
        0 while it has not, as in the backtest.
        """
        execution, counted = self.config.execution, 0
        hour = min((self.now_ns if at_ns is None else at_ns) // HOUR_NS, self.tape.last)
        for row in self.tape.readings[: hour - self.tape.first + 1][::-1]:
            counted += bool(row["traded"].any())
            if row["traded"][a]:
                return 0
            if counted >= execution.delist_h:
                break
        closes = self.tape.readings["close"][: hour - self.tape.first + 1, a]
        known = closes[closes > 0]
        if counted < execution.delist_h or known.size == 0:
            return 0
        return muldiv_floor(int(known[-1]), PPM - execution.delist_haircut_ppm, PPM)

    def open_orders(self) -> list[Order]:
        """Orders that may still trade, oldest first."""
        return list(self._open.values())

    def draw_txid(self) -> str:
        return self._ids.draw("O")

    def held(self, asset: str) -> int:
        """What open orders hold of a balance."""
        return sum(
            order.hold(self.terms[order.a], self.config)
            for order in self._open.values()
            if (order.pair.quote if order.buys else order.pair.base).name == asset
        )

    def available(self, asset: str) -> int:
        """What of a balance no order holds."""
        return self.ledger.balances.get(asset, 0) - self.held(asset)

    def transfer(self, asset: str, amount: int, kind: str = "") -> Entry:
        """A deposit (+) or withdrawal (-), or another kind that the ledger knows."""
        kind = kind or ("deposit" if amount >= 0 else "withdrawal")
        self.ledger.post(self._ids.draw("L"), self._ids.draw("F"), self.now_ns, kind, asset, amount)
        self.truth.add(self.now_ns, kind, asset=asset, amount=amount)
        return self.ledger.entries[-1]

    def place(self, order: Order) -> None:
        """Take a checked order in; it trades now if it can, else it rests."""
        self._take_in(order)
        if order.expires_ns:
            self.at(order.expires_ns, lambda: self.end(order, "expired", "Order expired"))
        self._arrive(order)

    def refuse(self, order: Order, reason: str) -> None:
        """Take an order in and cancel it in the same breath."""
        self._take_in(order)
        self.end(order, "canceled", reason)

    def end(self, order: Order, status: str, reason: str | None = None) -> None:
        """Close a live order; one that has ended stays as it is."""
        if not order.live:
            return
        order.status, order.reason, order.closed_ns = status, reason, self.now_ns
        del self._open[order.txid]
        self.truth.add(self.now_ns, status, txid=order.txid, filled=order.filled, reason=reason)

    def end_later(self, order: Order, delay_s: float) -> None:
        """Cancel an order some time from now."""
        self.at(self.now_ns + int(delay_s * SECOND_NS), lambda: self.end(order, "canceled", "User requested"))

    def amend(self, order: Order) -> None:
        """Let a changed order meet the bar; one that has filled more than it now wants has ended."""
        order.amended = True
        self.truth.add(self.now_ns, "amended", txid=order.txid, lots=order.lots, price=order.price)
        if order.left <= 0:
            order.lots = order.filled
            self.end(order, "canceled", "User requested")
        else:
            self._arrive(order)

    def fill_at_limit(self, order: Order) -> None:
        """Fill what is left of a resting limit, whatever the market does: a fill that beats a cancel."""
        if order.kind == LIMIT:
            self._book(order, at_limit(order, self.scenery(order.a)))

    def cancel_all(self) -> int:
        """Cancel every live order; returns how many."""
        orders = self.open_orders()
        for order in orders:
            self.end(order, "canceled", "User requested")
        return len(orders)

    def arm(self, trigger_ns: int) -> None:
        """Set the dead man's switch; 0 disarms. While the venue is down it waits for the venue to return."""
        self._timer = timer = object()

        def fire() -> None:
            if self._timer is timer and self.mode(None) == "maintenance":
                self.at(self.now_ns + SECOND_NS, fire)
            elif self._timer is timer:
                self._timer = None
                self.truth.add(self.now_ns, "dead man's switch", canceled=self.cancel_all())

        if trigger_ns:
            self.at(trigger_ns, fire)

    def trade(self, order: Order, event: int) -> None:
        """Let an order meet one event of the bar and book what trades."""
        if not order.live or self.mode(order.pair) in ("maintenance", "cancel_only", "post_only"):
            return
        scenery = self.scenery(order.a)
        if order.kind == MARKET and not order.buys and scenery.bar.traded == 0:
            price = self.forced_price(order.a)
            if price:
                self._book(order, forced(order, price, scenery))
            return
        budget = self._budgets.setdefault(order.a, budget_of(scenery.bar, self.config))
        lots = order.left if order.share_ppm >= PPM else share(order.left, order.share_ppm)
        whole = order.immediate != "FOK" or lots <= budget
        fill = meet(order, event, lots, budget, scenery) if whole else None
        if fill is not None:
            self._budgets[order.a] = budget - abs(fill.lots)
            self._book(order, fill)

    def _take_in(self, order: Order) -> None:
        self.orders[order.txid] = self._open[order.txid] = order
        self.truth.add(
            self.now_ns,
            "placed",
            txid=order.txid,
            cl_ord_id=order.cl_ord_id,
            refid=order.refid,
            pair=order.pair.name,
            side="buy" if order.buys else "sell",
            kind=order.kind,
            lots=order.lots,
            price=order.price,
        )

    def _arrive(self, order: Order) -> None:
        early = self.now_ns % HOUR_NS < FIRST_EVENT_NS
        rests = order.kind == LIMIT and order.buys and not order.immediate
        if order.kind != STOP and not (early and rests):
            for event in (EXITS,) if early and not order.buys and not order.immediate else ON_ARRIVAL:
                if order.left:
                    self.trade(order, event)
        if order.kind == MARKET or order.immediate:
            self.end(
                order, "canceled", "Immediate or cancel" if order.immediate else "Insufficient liquidity"
            )

    def _open_bar(self) -> None:
        self._budgets.clear()
        self.at(self.now_ns // HOUR_NS * HOUR_NS + FIRST_EVENT_NS, self._play_bar)
        self.at(self.now_ns // HOUR_NS * HOUR_NS + HOUR_NS, self._open_bar)

    def _play_bar(self) -> None:
        for event in BAR_EVENTS:
            for order in self.open_orders():
                self.trade(order, event)

    def _book(self, order: Order, fill: Fill) -> None:
        """Move balances by a fill, record the trade, and bring the stop along that a buy carries."""
        lots, txid = abs(fill.lots), self._ids.draw("T")
        base, quote = order.pair.base.name, order.pair.quote.name
        value = -fill.value if order.buys else fill.value
        post, now = self.ledger.post, self.now_ns
        # What is given goes first, so that no balance is overdrawn in between.
        ids = (self._ids.draw("L"), self._ids.draw("L"))
        if not order.buys:
            post(ids[0], txid, now, "trade", base, fill.lots)
        post(ids[1], txid, now, "trade", quote, value, fill.fee)
        if order.buys:
            post(ids[0], txid, now, "trade", base, fill.lots)
        maker = fill.kind == FILL_MAKER
        number = len(self.trades) + 1
        trade = Trade(txid, order, now, lots, fill.ticks, fill.value, fill.fee, maker, fill.kind, number, ids)
        self.trades.append(trade)
        order.trades.append(txid)
        order.filled, order.value, order.fee = (
            order.filled + lots,
            order.value + fill.value,
            order.fee + fill.fee,
        )
        self.truth.add(
            now,
            "fill",
            txid=order.txid,
            trade=txid,
            kind=FILL_KINDS[fill.kind],
            lots=fill.lots,
            ticks=fill.ticks,
            value=fill.value,
            fee=fill.fee,
        )
        if order.left == 0:
            self.end(order, "closed")
        if order.close:
            self._protect(order, lots)

    def _protect(self, order: Order, lots: int) -> None:
        stop = Order(
            self.draw_txid(),
            order.pair,
            order.a,
            not order.buys,
            STOP,
            lots,
            order.close,
            self.now_ns,
            userref=order.userref,
            refid=order.txid,
        )
        self.place(stop)
        # A bar that has been played still counts for what an entry into it brought along; its close does not.
        if self.now_ns % HOUR_NS < CLOSE_NS:
            self.trade(stop, STOPS)
