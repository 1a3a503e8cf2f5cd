"""What is done once a day or a month: the venue's list, the account's fees, a release, an export."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from adapters.audit import package
from adapters.audit.anchors import opened
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.fees import fees_of
from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi
from adapters.kraken.schemas_public import Book
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import Mandate
from trading.clock import TradingHour
from trading.config import Fees
from trading.errors import BallastError, VenueRefused
from trading.instruments import UNITS
from trading.live.documents import digest_of, dump_mandate, parse_mandate

NOWHERE = 1.0
"""The spread of a book with an empty side."""
BEAT_S = 5.0
LINES = 5


class VenueSurvey:
    """Looks at the instruments of a track at their venue."""

    def __init__(self, public: PublicApi, instruments: Sequence[str]) -> None:
        self._public, self._instruments = public, instruments

    def look(self) -> Mapping[str, Mapping[str, Any]]:
        """By instrument: status, spread (a fraction) and notional_24h (1e-8 quote); what the venue does not
        list any more has the status `gone`.
        """
        catalogue, tickers = Catalogue(self._public.asset_pairs()), self._public.tickers()
        found: dict[str, dict[str, Any]] = {}
        for name in self._instruments:
            if name not in catalogue.names():
                found[name] = {"status": "gone", "spread": NOWHERE, "notional_24h": 0}
                continue
            pair = catalogue.id(name)
            ticker = tickers.get(pair)
            notional = int(ticker.volume_24h * ticker.last * UNITS) if ticker else 0
            spread = self._spread(pair)
            found[name] = {"status": catalogue.status(name), "spread": spread, "notional_24h": notional}
        return found

    def _spread(self, pair: str) -> float:
        try:
            return spread_of(self._public.book(pair, 1))
        except VenueRefused:
            return NOWHERE


def spread_of(book: Book) -> float:
    """Ask less bid as a fraction of their middle; `NOWHERE` where a side is empty or they cross."""
    if not book.asks or not book.bids:
        return NOWHERE
    ask, bid = book.asks[0].price, book.bids[0].price
    return float((ask - bid) / ((ask + bid) / Decimal(2))) if ask > bid else NOWHERE


class AccountFees:
    """What the account of a world pays, and the mandates that it holds for."""

    def __init__(
        self, engine: Engine, private: PrivateApi | None, catalogue: Catalogue, instruments: Sequence[str]
    ) -> None:
        self._engine, self._private, self._catalogue = engine, private, catalogue
        self._instruments = instruments

    def asked(self) -> Fees | None:
        """The highest fees of any instrument by the venue's word; None on paper."""
        if self._private is None:
            return None
        pairs = [self._catalogue.id(name) for name in self._instruments]
        volume, nothing = self._private.trade_volume(pairs), Fees(0, 0)
        each = [fees_of(volume, pair, nothing) for pair in pairs]
        return Fees(max(fees.maker_ppm for fees in each), max(fees.taker_ppm for fees in each))

    def adopt(self, track: str, fees: Fees, since: TradingHour) -> list[str]:
        """Give every portfolio whose fees are lower a mandate with these from `since` on; returns them."""
        with reading(self._engine) as session:
            newest = select(Mandate.portfolio, func.max(Mandate.asof)).where(Mandate.track == track)
            keys = session.execute(newest.group_by(Mandate.portfolio)).all()
            rows = [session.get_one(Mandate, (track, name, asof)) for name, asof in sorted(keys)]
        changed = []
        for row in rows:
            config, review_after_h = parse_mandate(row.document)
            higher = Fees(*map(max, config.fees, fees))
            if higher == config.fees or row.asof >= since.asof:
                continue
            document = dump_mandate(config._replace(fees=higher), review_after_h)
            new = Mandate(
                track=track,
                portfolio=row.portfolio,
                asof=since.asof,
                predictor=row.predictor,
                digest=digest_of(document),
                document=document,
            )
            with unit_of_work(self._engine) as session:
                session.add(new)
            changed.append(row.portfolio)
        return changed


class Exports:
    """Daily packages of the audit log, one file a day and track."""

    def __init__(self, engine: Engine, anchor: str, folder: Path) -> None:
        self._engine, self._anchor, self._folder = engine, anchor, folder

    def write(self, track: str, start: datetime, end: datetime) -> str:
        """Write the part from `start` to `end` as `ballast audit export` does; says where and what."""
        out = self._folder / track / f"{start:%Y-%m-%d}.zip"
        with reading(self._engine) as session:
            chosen = package.part(session, track, start, end)
            out.parent.mkdir(parents=True, exist_ok=True)
            package.write(session, chosen, opened(self._anchor).kept(track), out)
        return f"entries {chosen.first} to {chosen.last} in {out.name}"


class Trainer:
    """Prepares a release's training and makes the release of it, by the commands that a person would give,
    each in a process of its own. What lies between, the pieces of the walk, is the workers' to share.
    """

    def __init__(self, home: Path, preset: str = "full", venue: str = "kraken") -> None:
        self._home = home
        self._asked = ["--preset", preset, "--venue", venue, "--home", str(home)]

    def plan(self, beat: Callable[[], None]) -> bytes:
        """The walk up to the newest bar, as `adapters.pieces` cuts it."""
        return self._said(["walkforward", "--plan"], beat).strip()

    def finish(self, beat: Callable[[], None]) -> str:
        """Bundle what was trained, train what was not; returns what was registered."""
        version = json.loads(self._said(["train", "--json"], beat))["version"]
        return f"version {version} is the challenger; a person promotes it"

    def _said(self, what: list[str], beat: Callable[[], None]) -> bytes:
        """What a command printed; a `BallastError` with the end of what it complained about."""
        told = [sys.executable, "-c", "from cli.main import main; main()", *what, *self._asked]
        log = self._home / "logs" / "training.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            process = subprocess.Popen(told, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
            try:
                while process.poll() is None:
                    beat()
                    time.sleep(BEAT_S)
            finally:
                process.terminate()
                said, _ = process.communicate()
        if process.returncode:
            tail = " / ".join(log.read_text(errors="replace").splitlines()[-LINES:])
            raise BallastError(f"training ended with status {process.returncode}: {tail}")
        return said
