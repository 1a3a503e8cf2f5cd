"""The releases of models, which of them trades, and who decided that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request

from api.access.guard import may
from api.access.principal import Principal
from api.access.roles import Action
from api.problems import REFUSALS
from api.wire import Answer

if TYPE_CHECKING:
    from adapters.model_registry import ModelRegistry, Shelf

router = APIRouter(prefix="/api/models", tags=["models"], responses=REFUSALS)

Reader = Annotated[Principal, Depends(may(Action.READ))]
HELD = timedelta(seconds=30)


class Version(Answer):
    """One release."""

    version: int
    digest: str
    aliases: list[str]
    created: datetime
    preset: str
    venue: str
    proxy: bool
    """Its bars stand in for Kraken's, or were generated."""
    code: str
    instruments: int
    days_min: int
    """Fewest days of bars of an instrument that taught."""
    first: datetime
    """From when on it predicts what it has not seen."""


class Crowning(Answer):
    """One promotion or rollback."""

    at: str
    action: str
    version: int
    mode: str
    who: str
    why: str
    waived: list[str]
    """What would have been refused outside replay."""


class Models(Answer):
    """All releases and every decision about them, newest first."""

    versions: list[Version]
    promotions: list[Crowning]


class Registry:
    """The registry of a home, opened when somebody asks, and asked at most every half minute."""

    def __init__(self, folder: Path, now: Callable[[], datetime], shelf: "Shelf | None" = None) -> None:
        self._folder, self._shelf = folder, shelf
        self._now = now
        self._lock = Lock()
        self._held: tuple[datetime, Models] | None = None

    def models(self) -> Models:
        with self._lock:
            if self._held is None or self._now() > self._held[0] + HELD:
                self._held = (self._now(), self._read())
            return self._held[1]

    def _read(self) -> Models:
        if self._shelf is None and not (self._folder / "registry.db").exists():
            return Models(versions=[], promotions=[])
        # MLflow takes seconds to load, and most installations that only look never need it.
        from adapters.model_registry import ModelRegistry

        return _told(ModelRegistry(self._folder, self._shelf))


@router.get("", summary="Releases with their facts, aliases and promotions")
def models(_reader: Reader, request: Request) -> Models:
    registry: Registry = request.app.state.registry
    return registry.models()


def _told(registry: "ModelRegistry") -> Models:
    versions = [
        Version(
            version=known.version,
            digest=known.digest,
            aliases=list(known.aliases),
            created=known.created,
            preset=known.facts.preset,
            venue=known.facts.venue,
            proxy=known.facts.proxy,
            code=known.facts.code,
            instruments=len(known.facts.days),
            days_min=min(known.facts.days.values(), default=0),
            first=datetime.fromtimestamp(known.facts.first * 3600, UTC),
        )
        for known in registry.versions()
    ]
    promotions = [
        Crowning(
            at=one.at,
            action=one.action,
            version=one.version,
            mode=one.mode,
            who=one.who,
            why=one.why,
            waived=list(one.waived),
        )
        for one in reversed(registry.promotions())
    ]
    return Models(versions=versions, promotions=promotions)
