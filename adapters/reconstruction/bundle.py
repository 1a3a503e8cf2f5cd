"""One hour in one file: everything that it is computed again from, and what was recorded of it.

A zip of `inputs.json`, `replies.jsonl`, `bars/<BASE-QUOTE>.parquet`, `recorded.json`, `environment.json`, the
release if one predicted, `paper.jsonl` of an account on paper, and under `objects/` the bytes of replies and
stages, each named by its SHA-256. It holds no key, and of requests no signature: those are never stored.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import polars as pl

from adapters.feed import WINDOW_H
from adapters.files import replacing
from adapters.kraken import endpoints
from adapters.reconstruction.inputs import Event, Inputs, Ruling
from adapters.reconstruction.market import Bars
from adapters.reconstruction.paper import PaperLines
from adapters.reconstruction.releases import PREFIX, Named
from adapters.reconstruction.replies import PRIVATE, Replies, Reply
from adapters.reconstruction.source import VENUE, Given, Home, Source, loaded, market_of
from adapters.reconstruction.stages import Content
from adapters.storage.base import PortfolioKey
from adapters.worlds import PAPER_FILE
from trading.clock import TradingHour
from trading.config import canonical_json
from trading.errors import DataError, UsageError
from trading.grid import CARRY_H
from trading.live.flows import Flow
from trading.live.sight import Sight
from trading.live.values import Ticket
from trading.models.release import MANIFEST, Release

OBJECTS, BARS, RELEASE = "objects/", "bars/", "release/"


def write_bundle(source: Source, home: Home, hour: TradingHour, file: Path) -> int:
    """Write one hour's bundle; returns its size in bytes. The source begins before the hour's fills may."""
    recorded = source.recorded(hour)
    if "decision" not in recorded:
        raise UsageError(f"nothing is recorded of {hour}; see `ballast hour list`")
    replies = list(_needed(source, hour))
    with replacing(file) as draft:
        with ZipFile(draft, "w", ZIP_DEFLATED) as out:
            out.writestr("inputs.json", canonical_json(_dump(source, hour)))
            out.writestr("replies.jsonl", b"".join(canonical_json(dict(r.line)) + b"\n" for r in replies))
            out.writestr("recorded.json", canonical_json({name: of.digest for name, of in recorded.items()}))
            out.writestr("environment.json", canonical_json(dict(source.made_with(hour) or {})))
            bodies = {reply.body: source.market.replies.body(reply.body) for reply in replies}
            stages = {of.digest: of.content for of in recorded.values() if of.content is not None}
            for name, content in sorted((bodies | stages).items()):
                out.writestr(OBJECTS + name, content)
            if paper := source.market.paper.all():
                out.writestr(PAPER_FILE, b"".join(canonical_json(line) + b"\n" for line in paper))
            for name, bars in source.market.bars.opening(hour).items():
                parquet = BytesIO()
                bars.write_parquet(parquet)
                out.writestr(f"{BARS}{name.replace('/', '-')}.parquet", parquet.getvalue())
            for name, content in _release(recorded, home):
                out.writestr(RELEASE + name, content)
        return draft.stat().st_size


def read_bundle(file: Path) -> tuple[Source, TradingHour]:
    """A bundle as a source, and its hour; a `DataError` for a file that is none, or is damaged."""
    try:
        parts = _parts(file)
        told = json.loads(parts["inputs.json"])
        lines = parts["replies.jsonl"].splitlines()
        digests = json.loads(parts["recorded.json"])
        made = json.loads(parts["environment.json"])
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"{file} is no bundle of an hour: {error}") from error

    def read(name: str) -> bytes:
        content = parts.get(OBJECTS + name, b"")
        if hashlib.sha256(content).hexdigest() != name:
            raise DataError(f"{file}: {name} is damaged or missing; make the bundle again")
        return content

    replies = Replies(read)
    for line in lines:
        replies.add(json.loads(line))
    inputs, hour = _load(told), TradingHour(told["hour"])
    stages = {name: Content(digest, parts.get(OBJECTS + digest)) for name, digest in digests.items()}
    members = {n.removeprefix(RELEASE): c for n, c in parts.items() if n.startswith(RELEASE)}
    manifest = hashlib.sha256(members.get(MANIFEST, b"")).hexdigest()
    named = Named(lambda _: PREFIX + manifest[:16], lambda _: Release.of_files(members, manifest))

    def recorded(at: TradingHour) -> Mapping[str, Content]:
        return stages if at == hour else {}

    track, bars = inputs.key.track, Bars(VENUE, _bars(parts), replies)
    lines_on_paper = iter([json.loads(line) for line in parts.get(PAPER_FILE, b"").splitlines()])
    paper = PaperLines(lambda: lines_on_paper)
    given = Given(named, lambda at: recorded(at).get("predictions"), lambda _: told["listing"], paper)
    market = market_of(track, bars, replies, given)
    return Source(inputs, market, recorded, lambda _: made or None), hour


def _parts(file: Path) -> dict[str, bytes]:
    with ZipFile(file) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def _needed(source: Source, hour: TradingHour) -> Iterator[Reply]:
    """The replies that the window and the account of an hour come from, in the order of the log."""
    replies, began = source.market.replies, source.inputs.began.number
    catalogue = list(replies.all(endpoints.ASSET_PAIRS.name))[:1]
    candles = [r for r in replies.candles(0) if hour.number - WINDOW_H - CARRY_H <= r.slot]
    fetched = replies.fetched(hour)
    upto = max(hour.number, int(fetched.timestamp()) // 3600 if fetched else 0)
    account = replies.between(began, upto, *PRIVATE)
    needed = [*catalogue, *(r for r in candles if r.slot <= upto), *account]
    yield from sorted({reply.number: reply for reply in needed}.values(), key=lambda reply: reply.number)


def _release(recorded: Mapping[str, Content], home: Home) -> Iterator[tuple[str, bytes]]:
    content = recorded["predictions"].content
    name = Sight.parse(content).release if content is not None else ""
    if name.startswith(PREFIX):
        yield from loaded(home.models, name.removeprefix(PREFIX)).files().items()


def _dump(source: Source, hour: TradingHour) -> dict[str, Any]:
    inputs = source.inputs
    return {
        "hour": hour.number,
        "key": list(inputs.key),
        "quote": inputs.quote,
        "opened": inputs.opened.isoformat(),
        "listing": source.market.listing(hour),
        "first": inputs.first.number,
        "rulings": [[r.asof, r.portfolio, *r.ticket] for r in inputs.rulings],
        "began": inputs.began.number,
        "state": inputs.state,
        "events": [[event.at.isoformat(), *event[1:]] for event in inputs.events],
        "skipped": sorted(inputs.skipped),
        "own": None if inputs.own is None else sorted(inputs.own),
        "brought": [list(flow) for flow in inputs.brought],
    }


def _bars(parts: Mapping[str, bytes]) -> dict[str, pl.DataFrame]:
    return {
        name.removeprefix(BARS).removesuffix(".parquet").replace("-", "/"): pl.read_parquet(BytesIO(content))
        for name, content in parts.items()
        if name.startswith(BARS)
    }


def _load(told: Mapping[str, Any]) -> Inputs:
    return Inputs(
        PortfolioKey(*told["key"]),
        told["quote"],
        datetime.fromisoformat(told["opened"]),
        TradingHour(told["first"]),
        [Ruling(asof, portfolio, Ticket(*ticket)) for asof, portfolio, *ticket in told["rulings"]],
        TradingHour(told["began"]),
        told["state"],
        [Event(datetime.fromisoformat(at), *event) for at, *event in told["events"]],
        frozenset(told["skipped"]),
        None if told["own"] is None else frozenset(told["own"]),
        [Flow(*flow) for flow in told["brought"]],
    )
