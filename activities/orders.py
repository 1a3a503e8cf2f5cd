"""One approved intent at its venue: worked as far as it goes, waited for elsewhere, worked again."""

from collections.abc import Callable

from temporalio import activity

from activities.beating import beating
from activities.floor import Floor, first_order, silent
from activities.messages import OrderIn, OrderStep
from activities.ports import Put
from trading.errors import InvariantError
from trading.execution.entering import Entry, enter
from trading.execution.guarding import Wanted
from trading.execution.identity import intent_of
from trading.execution.leaving import Exit, Left, leave
from trading.execution.placing import Steps
from trading.live.desk import Desk
from trading.live.documents import equity_of, parse_mandate, state_of_decision
from trading.live.values import Approved, Told
from trading.portfolio import Terms
from trading.risk.approve import stored_order


class OrderActivities:
    """Of the queue `trading`."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def activities(self) -> list[Callable[..., object]]:
        return [self.work]

    @activity.defn
    def work(self, told: OrderIn) -> OrderStep:
        """Go on with an intent from wherever the store says that it stands until it is through or must wait.

        The same call begins it, goes on after a wait, and recovers it: it looks before it sends.
        """
        with beating():
            floor, desk = self._floor, self._floor.desk(told, told.view)
            name = first_order(told.track, told.portfolio, desk.hour, told.instrument)
            steps = self._steps(told, desk)
            account = floor.account(told.track, told.portfolio)
            done = account.work(desk.hour, steps, name, silent)
            if isinstance(done, Put):
                if done.order != name:
                    floor.clock.withdrawn(name, [done.order])
                return OrderStep(until=done.until, order=done.order)
            orders = done.orders if isinstance(done, Left) else done
            for order in (name, *(str(order.id) for order in orders)):
                floor.clock.withdrawn(order, [])
            return OrderStep(note=", ".join(f"{o.instruction.kind} {o.state}" for o in orders))

    def _steps(self, told: OrderIn, desk: Desk) -> Steps[object]:
        with self._floor.library.view(told.track, told.portfolio) as books:
            decision, ticket = books.decision(desk.hour), books.ticket(desk.hour)
        if decision is None or told.instrument not in decision.approved:
            raise InvariantError(f"nothing was approved in {told.instrument} at {desk.hour}")
        approved = decision.approved[told.instrument]
        if approved.lots < 0:
            return self._exit(told, desk, approved, decision)
        instrument = self._floor.instruments[told.instrument]
        entry = Entry(
            track=told.track,
            intent=intent_of(told.portfolio, desk.hour, told.instrument),
            instrument=told.instrument,
            asof=told.asof,
            approved=stored_order(*approved),
            equity=equity_of(decision.document),
            halt_epoch=decision.halt_epoch,
            config=parse_mandate(ticket.document)[0],
            terms=Terms.of(instrument),
            reading=desk.sight.view.readings[desk.sight.instruments.index(told.instrument)],
        )
        return enter(entry)

    def _exit(self, told: OrderIn, desk: Desk, approved: Approved, decision: Told) -> Steps[Left]:
        """Sell what was approved; what it was decided from says what is to be kept."""
        names = [instrument.name for instrument in desk.instruments]
        position = state_of_decision(decision.document, names).positions[names.index(told.instrument)]
        return leave(
            Exit(
                track=told.track,
                intent=intent_of(told.portfolio, desk.hour, told.instrument),
                instrument=told.instrument,
                lots=-approved.lots,
                keep=position.lots + position.dust + approved.lots,
                order_min_lots=self._floor.instruments[told.instrument].order_min_lots,
                stop=Wanted(position.lots, position.stop) if position.stop > 0 else Wanted(0, 0),
            )
        )
