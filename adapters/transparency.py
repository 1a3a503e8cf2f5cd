"""Monthly reports: made from what was stored by the end of the month, kept by their digest, and entered into
the audit log. A month is reported once; the same bytes again change nothing, others are refused.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from adapters.audit.chain import Kind
from adapters.audit.checkpoints import SIGNED, read
from adapters.audit.documents import Objects, enter, entered
from adapters.audit.log import Audit, records
from adapters.files import replacing
from adapters.storage.audit import AuditRow
from adapters.storage.engine import reading, unit_of_work
from adapters.track_record import Lived, beside
from config import tbill
from trading.clock import TradingHour
from trading.config import canonical_json
from trading.errors import DataError, InvariantError
from trading.evaluation import month_sheets
from trading.evaluation.lived import forecasts
from trading.evaluation.month import Attested, Happening, Month, analysed, facts, within
from trading.evaluation.pages import month as page
from trading.evaluation.sheets import LABELS

TOLD = (Kind.INCIDENT, Kind.HALT, Kind.APPROVAL, Kind.REFUSAL, Kind.PROMOTION, Kind.RESTORE)
"""What happened, as a reader of a month wants to know it."""
WORDS = ("what", "event", "action", "reason", "why", "operator", "who", "by", "name", "backup", "version")
Progress = Callable[[int, int], None]


class Report(NamedTuple):
    """A report as it is kept."""

    html: Path
    figures: Path
    sha256: str
    """Of the page."""
    entry: int
    """Of the audit log."""


class Span(NamedTuple):
    """The entries of the audit log that a month is about."""

    first: int
    seal: Attested


def span_of(session: Session, track: str, first: datetime, end: datetime) -> Span:
    """From the last checkpoint before a month to the first after it; a `DataError` before there is one."""
    mine = (AuditRow.track == track, AuditRow.portfolio == "", AuditRow.kind.in_(sorted(SIGNED)))
    begin = 1
    for body in session.scalars(select(AuditRow.body).where(*mine).order_by(AuditRow.seq)):
        seal, _ = read(body)
        at = datetime.fromisoformat(seal.at)
        if at >= end:
            return Span(begin, Attested(seal.seq, seal.digest, seal.at, seal.key))
        begin = seal.seq + 1 if at <= first else begin
    raise DataError(
        f"no checkpoint of {track} is of {end:%Y-%m-%d} or later: the month is not over there yet"
    )


def month_of(
    engine: Engine, of: Lived, first: datetime, end: datetime, trials: int, progress: Progress
) -> Month:
    """The material of a month: `of` is what was lived up to its end."""
    if within(of.record, first, end).equity.height < 2:
        raise DataError(f"{of.key.track} has not lived two hours of {first:%Y-%m}")
    with reading(engine) as session:
        span = span_of(session, of.key.track, first, end)
        happenings = tuple(_happenings(session, of.key.track, span))
        structure = Audit(session).last(of.key.track, Kind.STRUCTURE)
    heard = forecasts(of.sights, of.market.grid)
    code = json.loads(structure.body) if structure else {}
    hashes = {
        "bars": of.data_digest,
        "configuration": of.mandates[-1][2],
        "predictor": of.mandates[-1][1],
        "releases": ", ".join(heard.releases) or "none",
        "sources": code.get("sources", "not recorded"),
        "version": code.get("version", "not recorded"),
    }
    return Month(
        label=LABELS[of.key.track.split("-")[0]],
        track=of.key.track,
        portfolio=of.key.portfolio,
        first=first,
        end=end,
        record=of.record,
        beside=beside(of, progress),
        forecasts=heard,
        proofs={TradingHour(hour).asof: held for hour, held in of.proofs.items()},
        happenings=happenings,
        attested=span.seal,
        hashes=hashes,
        trials=trials,
        bill_rates=tbill.load(),
    )


def written(engine: Engine, objects: Objects, folder: Path, of: Month) -> Report:
    """Keep the report of a month and enter it; the one that stands already is returned if it is the same.

    Files are `<folder>/<track>-<portfolio>-<month>-<digest>.html` and `.json`, which nobody may write. An
    `InvariantError` when another report of the month stands.
    """
    analysis = analysed(of)
    tables = month_sheets.sheets(of, analysis)
    outcome = analysis.verdict.outcome if analysis else "INCONCLUSIVE"
    html = page.page(of, analysis, tables).encode()
    figures = canonical_json(facts(of, outcome, tables))
    told = {"month": f"{of.first:%Y-%m}", "portfolio": of.portfolio, "checkpoint": of.attested.digest}
    with unit_of_work(engine) as session:
        Audit(session).hold(of.track)
        stands = _standing(session, of.track, told["month"], of.portfolio)
        told |= {"figures": objects.put_bytes(figures), "label": of.label, "verdict": outcome}
        if stands is None:
            entry = enter(session, objects, of.track, Kind.REPORT, html, told).seq
            stands = entry, {"sha256": objects.put_bytes(html), **told}
    entry, body = stands
    if (body["sha256"], body["figures"]) != (objects.put_bytes(html), told["figures"]):
        raise InvariantError(
            f"{told['month']} of {of.portfolio} on {of.track} was reported otherwise in entry {entry} "
            f"({str(body['sha256'])[:12]}): a report is never written again; find out what changed since"
        )
    name = f"{of.track}-{of.portfolio}-{told['month']}-{str(body['sha256'])[:12]}"
    places = folder / f"{name}.html", folder / f"{name}.json"
    for place, made in zip(places, (html, figures), strict=True):
        _keep(place, made)
    return Report(*places, str(body["sha256"]), entry)


def _standing(
    session: Session, track: str, month: str, portfolio: str
) -> tuple[int, Mapping[str, object]] | None:
    for entry, told in entered(session, track, Kind.REPORT):
        if (told["month"], told["portfolio"]) == (month, portfolio):
            return entry, told
    return None


def _keep(place: Path, made: bytes) -> None:
    if place.exists():
        if place.read_bytes() != made:
            raise InvariantError(
                f"{place} is not the report that was made; keep it, and find out who changed it"
            )
        return
    with replacing(place) as draft:
        draft.write_bytes(made)
        draft.chmod(0o444)


def _happenings(session: Session, track: str, span: Span) -> Iterator[Happening]:
    """Entries of the month that people want to hear of; their times are those of their own bodies."""
    for entry in records(session, track, span.first, span.seal.seq):
        if entry.kind in TOLD:
            told = json.loads(entry.body)
            what = " · ".join(f"{word} {told[word]}" for word in WORDS if told.get(word))
            yield Happening(entry.seq, str(told.get("at", ""))[:16], entry.kind, what)
