"""The releases of models, which of them trades, and who decided that."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath

from api.access.guard import may
from api.access.principal import Principal
from api.access.roles import Action
from api.problems import REFUSALS, Refused
from api.wire import Answer
from trading.clock import TradingHour

if TYPE_CHECKING:
    from adapters.model_registry import ModelRegistry, Shelf
    from trading.models.release import Release

router = APIRouter(prefix="/api/models", tags=["models"], responses=REFUSALS)

Reader = Annotated[Principal, Depends(may(Action.READ))]
HELD = timedelta(seconds=30)
VERSION_MAX = 1_000_000


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
    passed: list[str]
    """Suites of `ballast evaluate` that its prediction log has passed."""
    missing: list[str]
    """Why it may not be champion of paper or live."""


class Head(Answer):
    """How the meta-learner turns what the learners say into a probability over one horizon."""

    horizon_h: int
    weights: dict[str, float]
    """Of each learner's log odds."""
    raw: list[float]
    """P(up) before calibration, and after it: two columns of one length."""
    calibrated: list[float]


class Member(Answer):
    """One model of a release."""

    name: str
    trained_through: datetime
    expires: datetime


class Inside(Answer):
    """A release from inside."""

    version: int
    members: list[Member]
    heads: list[Head]


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
        self._inside: dict[int, Inside] = {}

    def models(self) -> Models:
        with self._lock:
            return self._recent()

    def forget(self) -> None:
        """Ask anew: somebody has just changed something."""
        with self._lock:
            self._held = None

    def inside(self, version: int) -> Inside:
        """One release, loaded with every hash proved, once; a `UsageError` when there is none."""
        with self._lock:
            if version not in self._inside:
                self._inside[version] = self._load(version)
            return self._inside[version]

    def _recent(self) -> Models:
        if self._held is None or self._now() > self._held[0] + HELD:
            self._held = (self._now(), self._read())
        return self._held[1]

    def _load(self, version: int) -> Inside:
        if version not in {known.version for known in self._recent().versions}:
            raise Refused(404, "no such release", f"there is no release {version}")
        from adapters.model_registry import ModelRegistry

        return _opened(version, ModelRegistry(self._folder, self._shelf).load(version))

    def _read(self) -> Models:
        if self._shelf is None and not (self._folder / "registry.db").exists():
            return Models(versions=[], promotions=[])
        # MLflow takes seconds to load, and most installations that only look never need it.
        from adapters.model_registry import ModelRegistry

        return _told(ModelRegistry(self._folder, self._shelf))


@router.get("/{version}", summary="What a release is made of: members, weights, calibration")
def inside(
    _reader: Reader, request: Request, version: Annotated[int, InPath(ge=1, le=VERSION_MAX)]
) -> Inside:
    registry: Registry = request.app.state.registry
    return registry.inside(version)


@router.get("", summary="Releases with their facts, aliases and promotions")
def models(_reader: Reader, request: Request) -> Models:
    registry: Registry = request.app.state.registry
    return registry.models()


def _opened(version: int, release: "Release") -> Inside:
    from trading.models.calibration import logistic
    from trading.models.labels import HORIZONS_H
    from trading.models.prediction_log import STACK
    from trading.models.release import expiry_h
    from trading.models.stacking import Stack

    artefacts = release.artefacts()
    stack = Stack.parse(artefacts[STACK])
    return Inside(
        version=version,
        members=[
            Member(
                name=name,
                trained_through=TradingHour(one.trained_through).asof,
                expires=TradingHour(one.trained_through + expiry_h(name)).asof,
            )
            for name, one in sorted(artefacts.items())
        ],
        heads=[
            Head(
                horizon_h=hours,
                weights=dict(zip(stack.learners, head.weights.tolist(), strict=True)),
                raw=logistic(head.curve.at).tolist(),
                calibrated=head.curve.p.tolist(),
            )
            for hours, head in zip(HORIZONS_H, stack.heads, strict=True)
        ],
    )


def _told(registry: "ModelRegistry") -> Models:
    from trading.models.promotion import unfit, unproven

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
            first=TradingHour(known.facts.first).asof,
            passed=sorted(passed := registry.passed(known.facts)),
            missing=[*unfit(known.facts), *unproven(known.facts, passed)],
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
