"""Whatever is done to the rows of an audit log, the proof finds it and names the first bad entry."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from adapters.audit import Kind
from adapters.audit.checkpoints import SIGNED
from adapters.audit.keys import signing_key
from adapters.audit.log import records
from adapters.audit.verify import Proof, verify
from tests.audited import Log, logged, replace_all, unguarded
from tests.forgeries import MENDED, UNMENDED, Rows, flipped, mended, resigned, spliced

SOME = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def log(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Log:
    return logged(engine, tmp_path_factory.mktemp("audit"))


@pytest.fixture
def prove(engine: Engine, log: Log) -> Callable[..., Proof]:
    """The proof of other rows in the place of the genuine ones, read back from the database."""

    def proof(rows: Rows, *, outside: bool = False, trusted: str = log.first_key) -> Proof:
        with unguarded(engine) as connection:
            replace_all(connection, log.track, rows)
            found = list(records(connection, log.track))
        return verify(log.track, found, [trusted], log.anchor.kept(log.track) if outside else ())

    return proof


def first_bad(proof: Proof) -> int:
    assert proof.fault is not None
    return proof.fault.seq


def first_changed(log: Log, rows: Rows) -> int:
    """The number of the first entry that is not the genuine one, or is not there."""
    pairs = enumerate(zip(log.genuine, rows, strict=False), 1)
    return next(
        (seq for seq, (genuine, row) in pairs if genuine != row), min(len(log.genuine), len(rows)) + 1
    )


def check(prove: Callable[..., Proof], log: Log, rows: Rows) -> Proof:
    """Hold the two promises of a proof against forged rows: what checkpoints outside attest cannot be
    falsified unnoticed, and a proof neither accuses a genuine entry nor attests a false one. Returns the
    proof without checkpoints outside.
    """
    changed, last_outside = first_changed(log, rows), log.sealed[-1] - 1
    for outside in (True, False):
        proof = prove(rows, outside=outside)
        if proof.fault:
            assert proof.fault.seq >= changed
        assert max(proof.attested, proof.anchored) < changed
        assert proof.fault or not outside or changed > last_outside
    return proof


def test_a_genuine_log_is_proved_to_its_last_checkpoint(engine: Engine, log: Log) -> None:
    with engine.connect() as connection:
        found = records(connection, log.track)
        proof = verify(log.track, found, [log.first_key], log.anchor.kept(log.track))
    assert proof.fault is None
    assert proof.entries == len(log.genuine)
    assert proof.attested == proof.anchored == log.sealed[-1] - 1
    assert {record.kind for record in log.genuine} == set(Kind) - {Kind.RESTORE}


@pytest.mark.parametrize("forgery", UNMENDED)
def test_whatever_befalls_an_entry_is_found_at_that_entry(
    prove: Callable[..., Proof], log: Log, forgery: str
) -> None:
    for at in range(len(log.genuine)):
        rows = UNMENDED[forgery](list(log.genuine), at)
        proof = check(prove, log, rows)
        if len(rows) > at + 1 and rows != list(log.genuine):
            assert first_bad(proof) == first_changed(log, rows)


@pytest.mark.parametrize("forgery", MENDED)
def test_mended_digests_do_not_pass_the_next_checkpoint(
    prove: Callable[..., Proof], log: Log, forgery: str
) -> None:
    for at in range(len(log.genuine)):
        rows = mended(log, MENDED[forgery](list(log.genuine), at))
        proof = check(prove, log, rows)
        next_checkpoint = next((row.seq for row in rows[at + 1 :] if row.kind in SIGNED), None)
        if next_checkpoint:
            assert first_bad(proof) <= next_checkpoint


@SOME
@given(st.data())
def test_any_flipped_bit_is_found_where_it_is(
    prove: Callable[..., Proof], log: Log, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(log.genuine) - 1), label="entry")
    bit = data.draw(st.integers(0, 8 * len(log.genuine[at].body) - 1), label="bit")
    rows = spliced(list(log.genuine), at, flipped(log.genuine[at], bit))
    assert first_bad(prove(rows)) == at + 1


@SOME
@given(st.data())
def test_several_forgeries_hide_no_better_than_one(
    prove: Callable[..., Proof], log: Log, data: st.DataObject
) -> None:
    rows = list(log.genuine)
    for _ in range(data.draw(st.integers(1, 4), label="how many")):
        forgery = data.draw(st.sampled_from(sorted(UNMENDED)), label="forgery")
        rows = UNMENDED[forgery](rows, data.draw(st.integers(0, len(rows) - 1), label="entry")) or rows
    if data.draw(st.booleans(), label="mended"):
        rows = mended(log, rows)
    if rows != list(log.genuine) and len({row.seq for row in rows}) == len(rows):
        check(prove, log, rows)


def test_without_checkpoints_outside_a_log_cut_short_only_claims_less(
    prove: Callable[..., Proof], log: Log
) -> None:
    for left in range(1, len(log.genuine)):
        proof = prove(list(log.genuine[:left]))
        assert proof.fault is None
        assert proof.attested == max((seq - 1 for seq in log.sealed if seq <= left), default=0)


def test_a_log_without_its_checkpoints_is_found_outside(prove: Callable[..., Proof], log: Log) -> None:
    rows = mended(log, [row for row in log.genuine if row.kind not in SIGNED])
    assert prove(rows).attested == 0
    check(prove, log, rows)


def test_a_fork_signed_with_the_stolen_key_is_found_outside(prove: Callable[..., Proof], log: Log) -> None:
    stolen = signing_key(log.keys).public
    told = [at for at in range(log.sealed[-1] - 1) if log.genuine[at].kind not in SIGNED]
    for at in told:
        rows = resigned(log, spliced(list(log.genuine), at, flipped(log.genuine[at])))
        assert prove(rows, trusted=stolen).fault is None
        forged = prove(rows, trusted=stolen, outside=True)
        assert first_bad(forged) <= next(seq for seq in log.sealed if seq > at + 1)


def test_a_forger_cannot_sign_in_the_name_of_a_key_that_he_does_not_have(
    prove: Callable[..., Proof], log: Log, tmp_path: Path
) -> None:
    rows = resigned(log, spliced(list(log.genuine), 3, flipped(log.genuine[3])), signing_key(tmp_path))
    proof = prove(rows, trusted=signing_key(log.keys).public)
    assert (first_bad(proof), proof.attested) == (log.sealed[0], 0)


def test_a_key_that_nobody_handed_over_to_attests_nothing(
    prove: Callable[..., Proof], log: Log, tmp_path: Path
) -> None:
    proof = prove(list(log.genuine), trusted=signing_key(tmp_path).public)
    assert (first_bad(proof), proof.attested) == (log.sealed[0], 0)


def test_a_value_of_another_type_is_a_fault_and_no_crash(log: Log) -> None:
    rows = list(log.genuine)
    rows[4] = rows[4]._replace(body="text")  # type: ignore[arg-type]
    assert first_bad(verify(log.track, rows, [log.first_key])) == 5
    rows[3] = rows[3]._replace(seq="4")  # type: ignore[arg-type]
    assert first_bad(verify(log.track, rows, [log.first_key])) == 4
