"""The trading state of a portfolio as this database has it: one of the three tellings that must all allow an
entry.

Changes are rows that are only ever added; the last one holds. Anyone may tighten, at any time; loosening
names the epoch that it lifts, so that an approval of one halt cannot lift a later one. A portfolio without a
row is halted.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.storage.base import Base, Owned, Repository, one_of, owned, refers
from trading.errors import UsageError
from trading.risk.trading_state import HALTED, STATES, Standing


class StateChange(Owned, Base):
    """One change of the trading state."""

    __tablename__ = "state_changes"

    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    epoch: Mapped[int]
    cause: Mapped[str]
    by: Mapped[str]
    """The operator or the part of the system that changed it."""
    at: Mapped[datetime]

    __table_args__ = (
        refers("portfolios"),
        one_of("state", STATES),
        CheckConstraint("number > 0 AND epoch >= 0", name="counted"),
    )


LAST = select(StateChange).where(*owned(StateChange)).order_by(StateChange.number.desc()).limit(1)


class Halts(Repository):
    """The trading state of one portfolio."""

    def standing(self) -> Standing:
        last = self.last()
        return Standing(last.state, last.epoch) if last else Standing(HALTED, 0)

    def tighten(self, state: str, cause: str, by: str, now: datetime, epoch: int = 0) -> Standing:
        """Go to a tighter state; a looser one changes nothing.

        Every trip to HALTED is a halt of its own, under an epoch that is at least `epoch`.
        """
        held = self.standing()
        if state == HALTED:
            return self.change(Standing(HALTED, max(held.epoch + 1, epoch)), cause, by, now)
        if STATES.index(state) > STATES.index(held.state):
            return self.change(Standing(state, held.epoch), cause, by, now)
        return held

    def loosen(self, state: str, epoch: int, cause: str, by: str, now: datetime) -> Standing:
        """Go to a looser state; a `UsageError` unless `epoch` is the one that holds."""
        held = self.standing()
        if epoch != held.epoch:
            raise UsageError(f"halt {epoch} is not the one that holds ({held.epoch}); look at it and name it")
        if STATES.index(state) >= STATES.index(held.state):
            raise UsageError(f"{state} is not looser than {held.state}")
        resumed = 1 if held.state == HALTED else 0
        return self.change(Standing(state, epoch + resumed), cause, by, now)

    def change(self, to: Standing, cause: str, by: str, now: datetime) -> Standing:
        last = self.last()
        number = last.number + 1 if last else 1
        self._session.add(
            StateChange(**self._key._asdict(), **to._asdict(), number=number, cause=cause, by=by, at=now)
        )
        self._session.flush()
        return to

    def last(self) -> StateChange | None:
        return self._session.scalars(LAST, self._key._asdict()).first()
