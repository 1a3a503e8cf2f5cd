"""The audit log's figures: how fast it is proved, and what becomes of every forgery.

    python benchmarks/audit.py

Prints the tables of docs/evidence/audit.md. Every forgery is tried on every entry of a log that holds every
kind; `tests/integration/storage/test_audit_tampering.py` does the same in both databases.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from adapters.audit.chain import Record
from adapters.audit.checkpoints import SIGNED
from adapters.audit.log import records
from adapters.audit.verify import verify
from adapters.storage.engine import connect, sqlite_url
from adapters.storage.migrate import upgrade
from tests.audited import Log, logged, replace_all, unguarded
from tests.forgeries import MENDED, UNMENDED, Rows, flipped, mended, resigned, spliced

ENTRIES, BODY_BYTES, ROUNDS = 200_000, 300, 3


def first_changed(log: Log, rows: Rows) -> int:
    pairs = enumerate(zip(log.genuine, rows, strict=False), 1)
    return next(
        (seq for seq, (genuine, row) in pairs if genuine != row), min(len(log.genuine), len(rows)) + 1
    )


def attempts(log: Log) -> dict[str, list[Rows]]:
    """Every forgery of every entry."""
    genuine = list(log.genuine)
    places = range(len(genuine))
    tried = {name: [forge(genuine, at) for at in places] for name, forge in UNMENDED.items()}
    tried |= {name: [mended(log, forge(genuine, at)) for at in places] for name, forge in MENDED.items()}
    told = [at for at in places if genuine[at].kind not in SIGNED]
    stolen = [resigned(log, spliced(genuine, at, flipped(genuine[at]))) for at in told]
    tried["changed, all signed anew with the stolen key"] = stolen
    return {name: [rows for rows in found if rows != genuine] for name, found in tried.items()}


def tampering(log: Log) -> None:
    kept, keys = log.anchor.kept(log.track), (log.keys / "public.keys").read_text().split()
    attested = log.sealed[-1] - 1
    kinds = len({row.kind for row in log.genuine})
    print(f"{len(log.genuine)} entries of {kinds} kinds, attested to {attested}")
    print("| forgery | tried | found alone | found with outside | named exactly | of those attested |")
    print("|---|---|---|---|---|---|")
    for name, found in attempts(log).items():
        alone = [verify(log.track, rows, keys).fault for rows in found]
        outside = [verify(log.track, rows, keys, kept).fault for rows in found]
        changed = [first_changed(log, rows) for rows in found]
        exact = sum(bool(f) and f.seq == seq for f, seq in zip(outside, changed, strict=True))
        reach = [bool(f) for f, seq in zip(outside, changed, strict=True) if seq <= attested]
        counts = (len(found), sum(map(bool, alone)), sum(map(bool, outside)), exact)
        print(f"| {name} | {' | '.join(map(str, counts))} | {sum(reach)} of {len(reach)} |")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(sqlite_url(Path(folder) / "ballast.db"))
        upgrade(engine)
        log = logged(engine, Path(folder))
        tampering(log)
        content = [Record(0, "order-event", "main", b"x" * BODY_BYTES, "")] * ENTRIES
        with unguarded(engine) as connection:
            replace_all(connection, log.track, mended(log, content))
            for _ in range(ROUNDS):
                wall, cpu = time.perf_counter(), time.process_time()
                verify(log.track, records(connection, log.track), [log.first_key])
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                print(f"entries a second: {ENTRIES / wall:,.0f} by the clock, {ENTRIES / cpu:,.0f} of CPU")


if __name__ == "__main__":
    main()
