"""Whatever is done to the rows of an audit log, the proof finds it and names the first bad entry."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from adapters.audit import Kind
from adapters.audit.chain import Record
from adapters.audit.checkpoints import SIGNED
from adapters.audit.keys import signing_key
from adapters.audit.log import records
from adapters.audit.verify import Proof, verify
from tests.audited import Log, logged, mended, replace_all, resigned, unguarded

EVERY_EXAMPLE = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
Rows = list[Record]


@pytest.fixture(scope="module")
def log(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Log:
    return logged(engine, tmp_path_factory.mktemp("audit"))


@pytest.fixture
def prove(engine: Engine, log: Log) -> Callable[..., Proof]:
    """The proof of other rows in the place of the genuine ones, read back from the database."""

    def proof(rows: Rows, *, anchored: bool = False, trusted: str = log.first_key) -> Proof:
        with unguarded(engine) as connection:
            replace_all(connection, log.track, rows)
            found = list(records(connection, log.track))
        return verify(log.track, found, [trusted], log.anchor.kept(log.track) if anchored else None)

    return proof


def first_bad(proof: Proof) -> int:
    assert proof.fault is not None
    return proof.fault.seq


def test_a_genuine_log_is_proved_to_its_last_checkpoint(engine: Engine, log: Log) -> None:
    with engine.connect() as connection:
        proof = verify(log.track, records(connection, log.track), [log.first_key], log.anchor.kept(log.track))
    assert proof.fault is None
    assert proof.entries == len(log.genuine)
    assert proof.attested == proof.anchored == log.sealed[-1] - 1
    assert {record.kind for record in log.genuine} == set(Kind)


@EVERY_EXAMPLE
@given(st.data())
def test_a_flipped_bit_is_found_where_it_is(
    prove: Callable[..., Proof], log: Log, data: st.DataObject
) -> None:
    rows = list(log.genuine)
    at = data.draw(st.integers(0, len(rows) - 1), label="entry")
    body = bytearray(rows[at].body)
    bit = data.draw(st.integers(0, 8 * len(body) - 1), label="bit")
    body[bit // 8] ^= 1 << bit % 8
    rows[at] = rows[at]._replace(body=bytes(body))
    assert first_bad(prove(rows)) == at + 1


@pytest.mark.parametrize("field", ["kind", "portfolio", "body", "digest"])
def test_no_field_of_any_kind_can_be_changed(prove: Callable[..., Proof], log: Log, field: str) -> None:
    for told in sorted(Kind):
        rows = list(log.genuine)
        at = next(i for i, row in enumerate(rows) if row.kind == told)
        other = {"kind": "gossip", "portfolio": rows[at].portfolio + "x", "body": b"", "digest": "0" * 64}
        rows[at] = rows[at]._replace(**{field: other[field]})
        assert first_bad(prove(rows)) == at + 1


@EVERY_EXAMPLE
@given(st.data())
def test_a_dropped_entry_is_found_with_its_number_or_without(
    prove: Callable[..., Proof], log: Log, data: st.DataObject
) -> None:
    rows = list(log.genuine)
    at = data.draw(st.integers(0, len(rows) - 2), label="entry")
    del rows[at]
    assert first_bad(prove(rows)) == at + 1
    renumbered = [row._replace(seq=seq) for seq, row in enumerate(rows, 1)]
    assert first_bad(prove(renumbered)) == at + 1


@EVERY_EXAMPLE
@given(st.data())
def test_entries_in_another_order_are_found(
    prove: Callable[..., Proof], log: Log, data: st.DataObject
) -> None:
    rows = list(log.genuine)
    here = data.draw(st.integers(0, len(rows) - 2), label="here")
    there = data.draw(st.integers(here + 1, len(rows) - 1), label="there")
    rows[here], rows[there] = rows[there]._replace(seq=here + 1), rows[here]._replace(seq=there + 1)
    assert first_bad(prove(rows)) == here + 1


@EVERY_EXAMPLE
@given(st.data())
def test_a_log_cut_short_is_found_outside_and_stated_without(
    prove: Callable[..., Proof], log: Log, data: st.DataObject
) -> None:
    left = data.draw(st.integers(1, len(log.genuine) - 1), label="left")
    rows = list(log.genuine[:left])
    last_attested = log.sealed[-1] - 1
    proof = prove(rows, anchored=True)
    if left < last_attested:
        assert first_bad(proof) == left + 1
    else:
        assert proof.fault is None
    alone = prove(rows)
    assert alone.fault is None
    assert alone.attested == max((seq - 1 for seq in log.sealed if seq <= left), default=0)


@EVERY_EXAMPLE
@given(st.data())
def test_mended_digests_do_not_pass_the_next_checkpoint(
    prove: Callable[..., Proof], log: Log, data: st.DataObject
) -> None:
    """Changed, dropped or doubled, and every later digest computed anew, but without the key."""
    rows = list(log.genuine)
    at = data.draw(
        st.sampled_from([i for i, row in enumerate(rows) if row.kind not in SIGNED]), label="entry"
    )
    how = data.draw(st.sampled_from(["change", "drop", "double"]))
    change = {"change": [rows[at]._replace(body=b"{}")], "drop": [], "double": [rows[at], rows[at]]}
    rows[at : at + 1] = change[how]
    forged = mended(log.track, rows)
    proof = prove(forged)
    next_checkpoint = next((row.seq for row in forged if row.kind in SIGNED and row.seq > at), None)
    if next_checkpoint:
        assert first_bad(proof) == next_checkpoint
    else:
        assert proof.fault is None
        assert proof.attested <= at  # the report claims nothing for entries beyond the last checkpoint


@EVERY_EXAMPLE
@given(st.data())
def test_a_checkpoint_taken_out_is_missed(prove: Callable[..., Proof], log: Log, data: st.DataObject) -> None:
    """Without the last checkpoints a forger could write what he likes; the copies outside forbid it."""
    keep = data.draw(st.integers(0, len(log.sealed) - 1), label="checkpoints kept")
    gone = set(log.sealed[keep:])
    forged = mended(log.track, [row for row in log.genuine if row.seq not in gone])
    assert prove(forged).fault is None
    if keep < len(log.sealed) - 1:
        first = log.sealed[keep]
        assert first <= first_bad(prove(forged, anchored=True)) <= log.sealed[keep + 1]


@EVERY_EXAMPLE
@given(st.data())
def test_a_fork_signed_with_the_stolen_key_is_found_outside(
    prove: Callable[..., Proof], log: Log, data: st.DataObject
) -> None:
    rows = list(log.genuine)
    told = [i for i, row in enumerate(rows[: log.sealed[-1]]) if row.kind not in SIGNED]
    at = data.draw(st.sampled_from(told), label="entry")
    rows[at] = rows[at]._replace(body=b"{}")
    stolen = signing_key(log.keys).public
    assert prove(resigned(log, rows), trusted=stolen).fault is None
    forged = prove(resigned(log, rows), trusted=stolen, anchored=True)
    assert first_bad(forged) <= next(seq for seq in log.sealed if seq > at + 1)


def test_a_key_that_nobody_handed_over_to_attests_nothing(
    prove: Callable[..., Proof], log: Log, tmp_path: Path
) -> None:
    other = signing_key(tmp_path).public
    proof = prove(list(log.genuine), trusted=other)
    assert (first_bad(proof), proof.attested) == (log.sealed[0], 0)


def test_a_value_of_another_type_is_a_fault_and_no_crash(log: Log) -> None:
    rows = list(log.genuine)
    rows[4] = rows[4]._replace(body="text")  # type: ignore[arg-type]
    assert first_bad(verify(log.track, rows, [log.first_key])) == 5
    rows[3] = rows[3]._replace(seq="4")  # type: ignore[arg-type]
    assert first_bad(verify(log.track, rows, [log.first_key])) == 4
