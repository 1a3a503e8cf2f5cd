"""All the ways to falsify an audit log."""

from collections.abc import Callable

from adapters.audit import Kind
from adapters.audit.chain import Record, genesis, link
from adapters.audit.checkpoints import SIGNED, read
from adapters.audit.keys import SigningKey, signing_key
from tests.audited import Log

Rows = list[Record]


def spliced(rows: Rows, at: int, *others: Record) -> Rows:
    """The rows with others in the place of the one at an index."""
    return [*rows[:at], *others, *rows[at + 1 :]]


def flipped(row: Record, bit: int = 0) -> Record:
    body = bytearray(row.body)
    body[bit // 8] ^= 1 << bit % 8
    return row._replace(body=bytes(body))


def exchanged(rows: Rows, at: int) -> Rows:
    """The entry and the next one in each other's place; the last one has none."""
    if at + 1 == len(rows):
        return rows
    here, there = rows[at], rows[at + 1]
    return [*rows[:at], there._replace(seq=here.seq), here._replace(seq=there.seq), *rows[at + 2 :]]


def renumbered(rows: Rows) -> Rows:
    return [row._replace(seq=seq) for seq, row in enumerate(rows, 1)]


def mended(log: Log, rows: Rows) -> Rows:
    """The same contents numbered from 1, every digest computed anew: what a forger without a key can do."""
    before, out = genesis(log.track), []
    for seq, row in enumerate(rows, 1):
        before = link(before, seq, row.kind, row.portfolio, row.body)
        out.append(row._replace(seq=seq, digest=before.hex()))
    return out


def resigned(log: Log, rows: Rows, signer: SigningKey | None = None) -> Rows:
    """Every digest computed and every checkpoint signed anew, in the name of the key that signs now: by a
    thief, with that key; or by `signer`, who has only one of his own.
    """
    key = signing_key(log.keys)
    sign = (signer or key).sign
    before, digest, out = genesis(log.track), genesis(log.track).hex(), []
    for seq, row in enumerate((row for row in rows if row.kind != Kind.KEY), 1):
        body = row.body
        if row.kind in SIGNED:
            told = read(body)[0]._replace(seq=seq - 1, digest=digest, key=key.public)
            body = told.body(sign(told.statement()))
        before = link(before, seq, row.kind, row.portfolio, body)
        digest = before.hex()
        out.append(Record(seq, row.kind, row.portfolio, body, digest))
    return out


UNMENDED: dict[str, Callable[[Rows, int], Rows]] = {
    "a bit of the body flipped": lambda rows, at: spliced(rows, at, flipped(rows[at])),
    "called another kind": lambda rows, at: spliced(rows, at, rows[at]._replace(kind="gossip")),
    "given to another portfolio": lambda rows, at: spliced(rows, at, rows[at]._replace(portfolio="other")),
    "digest replaced": lambda rows, at: spliced(rows, at, rows[at]._replace(digest="0" * 64)),
    "dropped": lambda rows, at: spliced(rows, at),
    "dropped, later ones renumbered": lambda rows, at: renumbered(spliced(rows, at)),
    "written twice, later ones renumbered": lambda rows, at: renumbered(
        spliced(rows, at, rows[at], rows[at])
    ),
    "exchanged with the next": exchanged,
    "the log cut before it": lambda rows, at: rows[:at],
}
"""What may be done to the entry at an index, with the digests left as they are."""

MENDED: dict[str, Callable[[Rows, int], Rows]] = {
    "changed, later digests mended": UNMENDED["a bit of the body flipped"],
    "dropped, later digests mended": UNMENDED["dropped"],
    "written twice, later digests mended": UNMENDED["written twice, later ones renumbered"],
    "exchanged with the next, later digests mended": exchanged,
}
"""What may be done to it before every digest is computed anew."""
