"""The guard of one portfolio: it lives as long as the portfolio, and alone may loosen the trading state.

Hours tell their marks, anyone may trip, people review. What moves is one value, `trading.risk.vigil.Vigil`,
moved by pure functions; around it this workflow keeps order.

1. A trip holds in the same instant it arrives. Everything else waits its turn behind one lock, so that no two
   handlers interleave where they wait for the database; who waited looks whether a trip came between.
2. Row and audit log follow every change before its caller is answered. A halt is lifted there first, and here
   only if no trip came between.
3. An act of review is refused in its handler and recorded, never in a validator, which leaves no trace.
4. What outlives a handler (cancels, alerts) is an errand of the main loop. The run continues as new when the
   engine suggests it, with no handler under way and the answers of recent requests carried along.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.halt import HaltActivities
    from activities.halt_messages import (
        HaltCarried,
        HaltStart,
        HaltStatus,
        OfPortfolio,
        OpenIn,
        RecordIn,
        ReviewIn,
        ReviewOut,
        TripIn,
        VerifyIn,
        review_of,
    )
    from activities.messages import GuardOut, MarkIn, Telling, Tellings
    from trading.clock import TradingHour
    from trading.risk.halt_events import CAUTIOUS, CLEARED, LIFTED, REFUSED, RESUMED, TAKEN, TRIPPED
    from trading.risk.trading_state import (
        ACTIVE,
        APPROVE,
        HALTED,
        REDUCING,
        REQUEST,
        Cause,
        Latch,
        Standing,
        refusal,
        reviewed,
    )
    from trading.risk.vigil import Mark, Vigil, compared, mark, resumed, tripped
    from workflows.halt_card import answer_of, card, status_of
    from workflows.names import PORTFOLIO, RISK_STATE, TRACK
    from workflows.options import ERRAND, GUARDED

ALERT_PAUSE = timedelta(minutes=5)
"""Between tries, when a channel took no alert for the whole of an errand."""
ANSWERS_KEPT = 200
"""Requests whose answers are remembered across runs; the engine itself remembers those of one run."""
GUARD = "guard"
"""Who acts where no person does."""


@workflow.defn
class DrawdownHaltWorkflow:
    """Id `<track>/halt/<portfolio>`."""

    @workflow.init
    def __init__(self, start: HaltStart) -> None:
        carried = start.carried
        self._start = start
        self._of = OfPortfolio(track=start.track, portfolio=start.portfolio)
        self._rules = start.rules.plain()
        self._vigil = carried.vigil if carried else Vigil(Latch(HALTED, 0, (Cause.OPENING,)))
        self._answers = dict(carried.answers) if carried else {}
        self._cancels = carried.cancels if carried else 0
        self._alerts = carried.alerts if carried else 0
        self._unrecorded = 0
        self._is_open = carried is not None
        self._answered = self._vigil.hour
        self._lock = asyncio.Lock()

    @workflow.run
    async def run(self, _start: HaltStart) -> None:
        """Run errands until this run is long enough."""
        if not self._is_open:
            await self._open()
        self._show()
        while not self._is_long():
            await workflow.wait_condition(lambda: self._cancels + self._alerts > 0 or self._is_long())
            await self._run_errands()
        await workflow.wait_condition(workflow.all_handlers_finished)
        carried = HaltCarried(
            vigil=self._vigil, answers=self._answers, cancels=self._cancels, alerts=self._alerts
        )
        workflow.continue_as_new(self._start.model_copy(update={"carried": carried}))

    @workflow.update
    async def mark(self, told: MarkIn) -> GuardOut:
        """Take an hour's mark; an hour that is not younger than the last one only reads."""
        async with self._turn():
            hour = TradingHour.at(told.asof).number
            if hour > self._vigil.hour:
                self._follow_rules(told)
                await self._look(told.seen)
                before = self._vigil
                review_after_h = 0 if self._start.is_live else told.review_after_h
                seen = Mark(hour, told.equity, told.flows, told.triggers, told.trips, review_after_h)
                self._vigil = mark(before, seen, self._rules)
                await self._follow(before.latch)
        self._answered = self._vigil.hour
        return answer_of(self._vigil)

    @mark.validator
    def _check_mark(self, told: MarkIn) -> None:
        if told.portfolio != self._start.portfolio:
            raise ValueError(f"this is the guard of {self._start.portfolio}, not of {told.portfolio}")

    @workflow.update
    async def trip(self, told: TripIn) -> GuardOut:
        """Halt at once."""
        await workflow.wait_condition(lambda: self._is_open)
        id = told.request_id or self._request_id()
        if id not in self._answers:
            known, hour = self._vigil.latch, self._answered
            self._vigil = tripped(self._vigil, told.cause)
            latch, why = self._vigil.latch, f"{told.cause}: {told.reason}"
            self._cancels += 1
            self._show()
            self._answer(id, "")
            self._unrecorded += 1
            async with self._turn():
                self._unrecorded -= 1
                await self._record(TRIPPED, told.operator, why, known, wanted=latch, id=id, hour=hour)
        return answer_of(self._vigil)

    @trip.validator
    def _check_trip(self, told: TripIn) -> None:
        if not (told.cause.strip() and told.operator.strip() and told.reason.strip()):
            raise ValueError("name a cause, who trips, and a reason")

    @workflow.update
    async def request_resume(self, said: ReviewIn) -> ReviewOut:
        """Ask for a resume; somebody else must approve."""
        return await self._review(said, self._request_id())

    @request_resume.validator
    def _check_request(self, said: ReviewIn) -> None:
        if said.role != REQUEST:
            raise ValueError(f"this update takes the role {REQUEST}")

    @workflow.update
    async def approve_resume(self, said: ReviewIn) -> ReviewOut:
        """Approve a resume; the last approval that is required resumes."""
        return await self._review(said, self._request_id())

    @approve_resume.validator
    def _check_approval(self, said: ReviewIn) -> None:
        if said.role != APPROVE:
            raise ValueError(f"this update takes the role {APPROVE}")

    @workflow.signal
    async def resume(self, said: Any) -> None:
        """The same by a plain signal, whose one argument is an object with the fields of `ReviewIn`."""
        await self._review(review_of(said), str(workflow.uuid4()))

    @workflow.query
    def status(self) -> HaltStatus:
        """Where this guard stands."""
        return status_of(self._start, self._vigil, entries_cancelled=not self._cancels)

    async def _review(self, said: ReviewIn, id: str) -> ReviewOut:
        """Count one person's act, or record why it does not count."""
        async with self._turn():
            if id not in self._answers:
                try:
                    refused = await self._weigh(said, id)
                except ActivityError as error:
                    refused = f"it cannot be recorded: {error.cause}"
                self._answer(id, refused)
            self._show()
            return self._answers[id]

    async def _weigh(self, said: ReviewIn, id: str) -> str:
        """Record an act and count it; returns why it did not count."""
        refused = await self._objection(said)
        latch = self._vigil.latch
        what = REFUSED if refused else said.role
        who = (said.operator, said.reason)
        await self._record(what, *who, latch, id=id, halt=said.halt_id, refusal=refused)
        return refused or await self._count(said, latch)

    async def _objection(self, said: ReviewIn) -> str:
        """Why an act does not count; in live, where it would, its signature is verified too."""
        refused = refusal(self._vigil.latch, said.act)
        if refused or not self._start.is_live:
            return refused
        asked = VerifyIn(track=self._of.track, portfolio=self._of.portfolio, said=said)
        verified = await workflow.execute_activity_method(HaltActivities.verify_signature, asked, **GUARDED)
        return verified.refusal or refusal(self._vigil.latch, said.act)

    async def _count(self, said: ReviewIn, latch: Latch) -> str:
        """Count a recorded act, resume after the last approval; returns why it came to nothing."""
        if self._vigil.latch is not latch:
            return "a trip came between"
        held = self._vigil._replace(latch=reviewed(latch, said.act))
        self._vigil = held
        if len(held.latch.approvers) < self._start.approvals_required:
            return ""
        lifted = resumed(held)
        objection = await self._record(
            RESUMED, said.operator, said.reason, latch, wanted=lifted.latch, halt=said.halt_id
        )
        if objection:
            await self._look(None)
            return objection
        if self._vigil is not held:
            return "a trip came between"
        self._vigil = lifted
        return ""

    def _follow_rules(self, told: MarkIn) -> None:
        """A guard lives for years; what was configured when it began is not what holds."""
        if told.rules:
            required = told.approvals_required or self._start.approvals_required
            now = {"rules": told.rules, "approvals_required": required}
            self._start, self._rules = self._start.model_copy(update=now), told.rules.plain()

    async def _open(self) -> None:
        first = HALTED if self._start.is_live else ACTIVE
        told = OpenIn(track=self._of.track, portfolio=self._of.portfolio, first=first)
        opened = await workflow.execute_activity_method(HaltActivities.open_guard, told, **GUARDED)
        vigil = opened.vigil
        if vigil.latch.state == REDUCING:
            # Which triggers still wanted clean hours is not known any more.
            vigil = vigil._replace(clear_h={Cause.FOUND: self._rules.kill_switch.clear_h})
        self._vigil, self._is_open, self._answered = vigil, True, vigil.hour
        workflow.upsert_search_attributes(
            [TRACK.value_set(self._of.track), PORTFOLIO.value_set(self._of.portfolio)]
        )

    async def _look(self, seen: Tellings | None) -> None:
        """Compare with row and audit log, and take over or trip where they differ.

        What a batch saw may be older than a trip, so a difference is looked at again before it counts; and
        while a trip waits to be recorded they differ for that reason alone.
        """
        if self._unrecorded:
            return
        before = self._vigil
        mine = _telling(before.latch.standing)
        if seen is None or not seen.row == mine == seen.audit:
            seen = await workflow.execute_activity_method(HaltActivities.read_tellings, self._of, **GUARDED)
        if self._vigil is not before:
            # A trip came between.
            return
        row, audit = _standing(seen.row), _standing(seen.audit)
        self._vigil = compared(before, row, audit, self._rules, seen.flattening)
        if self._vigil is before:
            return
        taken = row is not None and self._vigil.latch.standing == row and row.state == HALTED
        if taken:
            self._cancels += 1
            await self._record(TAKEN, GUARD, "the row was tightened", before.latch)
        else:
            await self._follow(before.latch)

    async def _follow(self, before: Latch) -> None:
        """Record what a mark or a look moved; a loosening that the row does not allow is taken back."""
        after = self._vigil.latch
        if after.standing == before.standing:
            return
        new = [cause for cause in after.causes if cause not in before.causes]
        if after.state == HALTED:
            self._cancels += 1
            await self._record(TRIPPED, GUARD, ", ".join(new) or after.causes[-1], before)
        elif after.state == REDUCING and after.epoch == before.epoch:
            await self._record(CAUTIOUS, GUARD, ", ".join(self._vigil.clear_h), before)
        else:
            what, why = (
                (CLEARED, "clean hours") if after.epoch == before.epoch else (LIFTED, "rule of a replay")
            )
            objection = await self._record(what, GUARD, why, before)
            if objection and self._vigil.latch is after:
                self._vigil = self._vigil._replace(latch=before)
        self._show()

    async def _record(
        self,
        what: str,
        operator: str,
        reason: str,
        known: Latch,
        *,
        wanted: Latch | None = None,
        id: str = "",
        halt: str = "",
        refusal: str = "",
        hour: int | None = None,
    ) -> str:
        """Store an event, with the epoch that the database gives a trip; returns why nothing was stored.

        `hour` is the last one answered when it came to pass, where that was before now.
        """
        latch = wanted or self._vigil.latch
        told = RecordIn(
            track=self._of.track,
            portfolio=self._of.portfolio,
            id=id or str(workflow.uuid4()),
            what=what,
            operator=operator,
            reason=reason,
            known=_telling(known.standing),
            wanted=_telling(latch.standing),
            halt=halt,
            refusal=refusal,
            flattening=what == TRIPPED and Cause.FLATTEN in latch.causes,
            hour=self._answered if hour is None else hour,
        )
        stored = await workflow.execute_activity_method(HaltActivities.record_halt, told, **GUARDED)
        self._alerts += 1
        if what in (TRIPPED, TAKEN) and self._vigil.latch is latch:
            self._vigil = self._vigil._replace(latch=latch._replace(epoch=stored.epoch))
        self._show()
        return stored.objection

    async def _run_errands(self) -> None:
        """Cancel working entries, then send alerts; what fails or is wanted again stays to be done."""
        if wanted := self._cancels:
            if await self._is_done(HaltActivities.cancel_entries) and self._cancels == wanted:
                self._cancels = 0
            self._show()
        elif wanted := self._alerts:
            if not await self._is_done(HaltActivities.deliver_alerts):
                with suppress(asyncio.TimeoutError):
                    await workflow.wait_condition(lambda: self._cancels > 0, timeout=ALERT_PAUSE)
            elif self._alerts == wanted:
                self._alerts = 0

    async def _is_done(self, errand: Any) -> bool:
        try:
            await workflow.execute_activity_method(errand, self._of, **ERRAND)
        except ActivityError as error:
            workflow.logger.warning("errand failed, it will be tried again: %s", error.cause)
            return False
        return True

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        await workflow.wait_condition(lambda: self._is_open)
        async with self._lock:
            yield

    def _is_long(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()

    def _request_id(self) -> str:
        update = workflow.current_update_info()
        return update.id if update else str(workflow.uuid4())

    def _answer(self, id: str, refused: str) -> None:
        """Remember what a request was answered, and forget the oldest."""
        latch = self._vigil.latch
        self._answers[id] = ReviewOut(
            accepted=not refused,
            refusal=refused,
            state=latch.state,
            epoch=latch.epoch,
            requester=latch.requester,
            approvers=latch.approvers,
            approvals_required=self._start.approvals_required,
        )
        while len(self._answers) > ANSWERS_KEPT:
            del self._answers[next(iter(self._answers))]

    def _show(self) -> None:
        """Tell the engine's UI and list filters."""
        state = self._vigil.latch.state
        if workflow.info().typed_search_attributes.get(RISK_STATE) != state:
            workflow.upsert_search_attributes([RISK_STATE.value_set(state)])
        workflow.set_current_details(card(self.status()))


def _telling(standing: Standing) -> Telling:
    return Telling(state=standing.state, epoch=standing.epoch)


def _standing(telling: Telling | None) -> Standing | None:
    return Standing(telling.state, telling.epoch) if telling else None
