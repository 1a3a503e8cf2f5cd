"""Training and promotion: one piece of a walk-forward at a time, and a release made champion by name."""

from collections.abc import Callable
from typing import Protocol

from temporalio import activity

from activities.beating import beating
from activities.messages import (
    CutIn,
    CutOut,
    PieceIn,
    PieceOut,
    PromoteOut,
    Promotion,
)
from activities.ports import Objects
from trading.errors import UsageError


class Cut(Protocol):
    @property
    def content(self) -> bytes: ...

    @property
    def folds(self) -> int: ...

    @property
    def months(self) -> int: ...


class Trainer(Protocol):
    """Cuts a walk-forward into pieces, and does them."""

    def cut(self, content: bytes) -> Cut: ...

    def do(self, content: bytes, index: int) -> tuple[str, int, bool]: ...


class Registry(Protocol):
    """Where releases are kept and crowned."""

    def promote(self, which: int | str, mode: str, who: str, why: str) -> object: ...

    def rollback(self, who: str, why: str) -> object: ...


class TrainingActivities:
    """Of the queue `training`."""

    def __init__(self, trainer: Trainer, registry: Callable[[], Registry], objects: Objects) -> None:
        """`registry` opens the registry, which takes seconds, when something is promoted."""
        self._trainer, self._registry, self._objects = trainer, registry, objects

    def activities(self) -> list[Callable[..., object]]:
        return [self.cut_walk, self.do_piece, self.promote]

    @activity.defn
    def cut_walk(self, told: CutIn) -> CutOut:
        """List what there is to do."""
        with beating():
            cut = self._trainer.cut(self._objects.read(told.walk))
            pieces = self._objects.put_bytes(cut.content)
            return CutOut(pieces=pieces, folds=cut.folds, months=cut.months)

    @activity.defn
    def do_piece(self, told: PieceIn) -> PieceOut:
        """Train one fold, or stack one month, unless it is done."""
        with beating():
            model, month, trained = self._trainer.do(self._objects.read(told.pieces), told.index)
            return PieceOut(model=model, month=month, trained=trained)

    @activity.defn
    def promote(self, told: Promotion) -> PromoteOut:
        """Make a release champion, or the one before; a refusal by the registry's rules is an answer."""
        try:
            registry = self._registry()
            if told.action == "rollback":
                registry.rollback(told.who, told.why)
            else:
                registry.promote(told.which, told.mode, told.who, told.why)
        except UsageError as error:
            return PromoteOut(which=told.which, refusal=str(error))
        return PromoteOut(which=told.which)
