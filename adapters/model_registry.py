"""Releases in MLflow: logged as files, registered, found by version or alias, never unpickled.

The embedded registry is MLflow's store on SQLite, without a server: `<home>/models/registry.db` and a folder
of bundles beside it. In production it is PostgreSQL and a bucket (`Shelf`), again without a server between;
MLflow's own is for people who want to look. Every method touches MLflow, whose import takes seconds:
`ModelRegistry` is made by those who need it. The digest that a bundle must have is a tag of its version,
apart from the bundle.

Promotions stand twice: as the alias, which is one row and moves at once, and as a line of an append-only
record, which is written first. Who reads the alias checks it against the last line.
"""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlparse
from urllib.request import url2pathname

from adapters.files import locked
from adapters.logs_gcs import BucketRecords
from adapters.objects_gcs import GOOGLE
from adapters.records import Records
from trading.config import canonical_json
from trading.errors import DataError, InvariantError, UsageError
from trading.models.promotion import (
    CHALLENGER,
    CHAMPION,
    MODES,
    PROMOTE,
    REPLAY,
    ROLLBACK,
    Promotion,
    unfit,
    unproven,
)
from trading.models.release import MANIFEST, SUFFIX, Facts, Release

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME = "ballast"
BUNDLE = "release"
DIGEST, FACTS = "ballast.digest", "ballast.facts"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
}


class Registered(NamedTuple):
    """A version as the registry knows it."""

    version: int
    aliases: tuple[str, ...]
    digest: str
    facts: Facts
    created: datetime


class Shelf(NamedTuple):
    """Where a registry is that several machines share."""

    database: str
    """URL of MLflow's own database, `postgresql://…`."""
    place: str
    """`gs://BUCKET/PREFIX` of bundles and records, or a folder that all of them see."""


class ModelRegistry:
    """The releases of one home, or of a shelf; `folder` is then for locks of this machine alone."""

    def __init__(self, folder: Path, shelf: Shelf | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._record = records_of(folder, shelf, "promotions")
        self._evaluations = records_of(folder, shelf, "evaluations")
        self._client = _connect(folder, shelf)

    def register(self, release: Release) -> Registered:
        """Log a release and make it the challenger; the same release again is the version that it has."""
        with locked(self._folder):
            known = [version for version in self.versions() if version.digest == release.digest]
            return known[0] if known else self._register(release)

    def _register(self, release: Release) -> Registered:
        client, facts = self._client, release.facts
        tags = {DIGEST: release.digest, FACTS: canonical_json(facts._asdict()).decode()}
        run = client.create_run(_experiment(client), run_name=release.digest[:12])
        for name in ("preset", "venue", "data_digest", "log_digest", "code"):
            client.log_param(run.info.run_id, name, getattr(facts, name))
        with TemporaryDirectory() as draft:
            for name, content in release.files().items():
                (Path(draft) / name).write_bytes(content)
            client.log_artifacts(run.info.run_id, draft, BUNDLE)
        source = f"{run.info.artifact_uri}/{BUNDLE}"
        made = client.create_model_version(NAME, source, run_id=run.info.run_id, tags=tags)
        client.set_terminated(run.info.run_id)
        client.set_registered_model_alias(NAME, CHALLENGER, made.version)
        return self.version(int(made.version))

    def versions(self) -> list[Registered]:
        """Every version, newest first."""
        aliases = self._client.get_registered_model(NAME).aliases
        found = self._client.search_model_versions(f"name='{NAME}'")
        return sorted((_registered(version, aliases) for version in found), key=lambda v: -v.version)

    def version(self, which: int | str) -> Registered:
        """A version by number or alias; a `UsageError` when there is none."""
        for known in self.versions():
            if known.version == which or which in known.aliases or str(known.version) == which:
                return known
        raise UsageError(f"no release {which!r}; see `ballast models list`, or train one: `ballast train`")

    def load(self, which: int | str) -> Release:
        """The release, with every hash verified; what does not match is a `DataError`."""
        known = self.version(which)
        source = str(self._client.get_model_version(NAME, str(known.version)).source)
        if source.startswith(GOOGLE):
            from mlflow.artifacts import download_artifacts

            with TemporaryDirectory() as copy:
                return _read(Path(download_artifacts(source, dst_path=copy)), known.digest)
        return _read(Path(url2pathname(urlparse(source).path)), known.digest)

    def named(self, digest: str) -> Release:
        """The release whose digest begins so; a `DataError` where there is none."""
        for known in self.versions():
            if known.digest.startswith(digest):
                return self.load(known.version)
        raise DataError(f"release {digest} is not in the registry; restore it from a backup")

    def champion(self, mode: str) -> tuple[Registered, Release]:
        """The release that trades in `mode`; a `UsageError` when there is none that may."""
        known, record = self.version(CHAMPION), self.promotions()
        if not record or record[-1].version != known.version or record[-1].digest != known.digest:
            raise InvariantError(
                f"champion is version {known.version}, which the record of promotions does not say; "
                "find out who moved it, then promote or roll back"
            )
        if mode != REPLAY and (reasons := unfit(known.facts)):
            raise UsageError(f"champion {known.version} may not serve {mode}: {'; '.join(reasons)}")
        return known, self.load(known.version)

    def promote(self, which: int | str, mode: str, who: str, why: str) -> Promotion:
        """Make a release champion; refused with every reason outside replay, where they are recorded.

        Loads the release first: a damaged one is never champion.
        """
        known = self.version(which)
        self.load(known.version)
        if mode not in MODES or not who.strip() or not why.strip():
            raise UsageError(f"a promotion names its mode ({', '.join(MODES)}), who decides and why")
        reasons = (*unfit(known.facts), *unproven(known.facts, self.passed(known.facts)))
        if mode != REPLAY and reasons:
            raise UsageError(f"version {known.version} may not be champion of {mode}: {'; '.join(reasons)}")
        return self._crown(PROMOTE, known, mode, who, why, reasons)

    def rollback(self, who: str, why: str) -> Promotion:
        """Give the alias back to the champion before this one, for the mode that it was promoted for."""
        line = _succession(self.promotions())
        if len(line) < 2 or not who.strip() or not why.strip():
            raise UsageError("a rollback needs an earlier champion, who decides and why")
        before = line[-2]
        known = self.version(before.version)
        self.load(known.version)
        return self._crown(ROLLBACK, known, before.mode, who, why, before.waived)

    def promotions(self) -> list[Promotion]:
        """The record, oldest first."""
        return [Promotion(**line | {"waived": tuple(line["waived"])}) for line in self._record.all()]

    def evaluated(self, suite: str, log_digest: str, report: str, *, passed: bool) -> None:
        """Note the outcome of `ballast evaluate` on a prediction log; `report` is the digest of its page."""
        outcome = {"suite": suite, "log": log_digest, "report": report, "passed": passed, "at": _now()}
        self._evaluations.append(outcome)

    def passed(self, facts: Facts) -> set[str]:
        """Suites whose latest outcome on the release's prediction log was a pass."""
        latest = {
            line["suite"]: line["passed"]
            for line in self._evaluations.all()
            if line["log"] == facts.log_digest
        }
        return {suite for suite, passed in latest.items() if passed}

    def _crown(
        self, action: str, known: Registered, mode: str, who: str, why: str, waived: tuple[str, ...]
    ) -> Promotion:
        with locked(self._folder):
            line = _succession(self.promotions())
            previous = line[-1].version if line else None
            promotion = Promotion(
                _now(), action, known.version, known.digest, previous, mode, who, why, waived
            )
            self._record.append(promotion._asdict())
            self._client.set_registered_model_alias(NAME, CHAMPION, str(known.version))
            if CHALLENGER in known.aliases:
                self._client.delete_registered_model_alias(NAME, CHALLENGER)
        return promotion


def _succession(record: Sequence[Promotion]) -> list[Promotion]:
    """The champions one could still go back to, the reigning one last."""
    line: list[Promotion] = []
    for promotion in record:
        if promotion.action == PROMOTE:
            line.append(promotion)
        else:
            line.pop()
    return line


def _read(folder: Path, digest: str) -> Release:
    names = [MANIFEST, *(path.name for path in folder.glob(f"*{SUFFIX}"))]
    files = {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}
    return Release.of_files(files, digest)


def records_of(folder: Path, shelf: Shelf | None, name: str) -> "Records | BucketRecords":
    """What a registry keeps for ever: its `promotions`, its `evaluations`. MLflow is not asked."""
    if shelf is None or not shelf.place.startswith(GOOGLE):
        return Records((Path(shelf.place) if shelf else folder) / "records" / f"{name}.jsonl")
    return BucketRecords(f"{shelf.place}/records/{name}")


def _connect(folder: Path, shelf: Shelf | None) -> "MlflowClient":
    """MLflow's client on its database, whose tables and experiment are made the first time."""
    os.environ.update(QUIET)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    address = shelf.database if shelf else f"sqlite:///{folder / 'registry.db'}"
    place = shelf.place if shelf else str(folder)
    bundles = f"{place}/bundles" if place.startswith(GOOGLE) else (Path(place) / "bundles").as_uri()
    with locked(folder):
        client = MlflowClient(address, address)
        if client.get_experiment_by_name(NAME) is None:
            client.create_experiment(NAME, artifact_location=bundles)
            client.create_registered_model(NAME)
    return client


def _experiment(client: "MlflowClient") -> str:
    found = client.get_experiment_by_name(NAME)
    assert found is not None, "made by _connect"
    return str(found.experiment_id)


def _registered(version: Any, aliases: Mapping[str, Any]) -> Registered:
    """From MLflow's own entity."""
    number = int(version.version)
    return Registered(
        version=number,
        aliases=tuple(sorted(name for name, of in aliases.items() if int(of) == number)),
        digest=version.tags[DIGEST],
        facts=Facts(**json.loads(version.tags[FACTS])),
        created=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
