"""A new signing key, introduced by the old one in the log of every track."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from adapters.audit import keys
from adapters.audit.checkpoints import attest, heir
from adapters.audit.keys import SigningKey
from adapters.audit.log import Audit, tracks
from adapters.storage.engine import unit_of_work


def rotate(engines: Iterable[Engine], folder: Path, now: datetime) -> SigningKey:
    """Hand over to a new key in every log, which signs from here on; returns it.

    The new key is on disk before the log names it. After a crash in between, the same call goes on with that
    key, and a track that was handed over to it already stays as it is.
    """
    old = keys.signing_key(folder)
    new = keys.load(folder, keys.NEXT) if (folder / keys.NEXT).exists() else keys.make(folder, keys.NEXT)
    for engine in engines:
        with unit_of_work(engine) as session:
            audit = Audit(session)
            for track in tracks(session):
                if heir(audit, track) != new.public:
                    attest(audit, track, old, now, next_key=new.public)
    (folder / keys.NEXT).replace(folder / keys.SECRET)
    keys.publish(folder, new)
    return new
