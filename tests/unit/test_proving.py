"""What becomes of a proof, who spoke for the guard, and how a growing log is read."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.halt_messages import TripIn
from activities.messages import HourIn
from activities.proving import ProvingActivities
from adapters.prover import ProverProcess
from adapters.reconstruction.inputs import Event, Inputs
from adapters.reconstruction.replies import Replies
from adapters.reconstruction.stages import Content, compare
from adapters.reconstruction.tail import Tail
from adapters.storage.base import PortfolioKey
from trading.clock import TradingHour
from trading.errors import DataError, VenueUnavailable
from trading.live.again import Word
from trading.live.values import Proved

ASOF = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = TradingHour.at(ASOF)
HELD = Proved("a", True, "1" * 64, "2" * 64, "")
WRONG = Proved("b", False, "1" * 64, "2" * 64, "decision differs: held.cash: 1 / 2")


class Bench:
    """A prover, a store and a halt that remember what they were told."""

    def __init__(self, *proved: Proved) -> None:
        self.proved, self.kept, self.tripped = proved, list[Proved](), list[tuple[str, TripIn]]()

    def prove(self, hour: TradingHour) -> Sequence[Proved]:
        assert hour == HOUR
        return self.proved

    def keep(self, track: str, hour: TradingHour, proved: Sequence[Proved]) -> None:
        assert (track, hour) == ("replay-a-1", HOUR)
        assert len(self.tripped) == sum(not one.held for one in proved), "halted before it is written down"
        self.kept += proved

    def owed(self, _track: str, _hour: TradingHour) -> Sequence[str]:
        return ["c"]

    def trip(self, _track: str, portfolio: str, told: TripIn) -> None:
        self.tripped.append((portfolio, told))

    @property
    def activities(self) -> ProvingActivities:
        return ProvingActivities(self, self, self.trip)


def test_a_proof_that_did_not_hold_halts_its_portfolio_alone() -> None:
    bench = Bench(HELD, WRONG)
    ActivityEnvironment().run(bench.activities.prove, HourIn(track="replay-a-1", asof=ASOF))
    assert bench.kept == [HELD, WRONG]
    ((portfolio, told),) = bench.tripped
    assert (portfolio, told.cause, told.operator) == ("b", "proof failure", "prover")
    assert told.request_id == "proof/b/2026-03-01T12:00Z"
    assert "held.cash" in told.reason


def test_what_nobody_could_prove_counts_as_failed() -> None:
    bench = Bench()
    out = bench.activities.give_up(HourIn(track="replay-a-1", asof=ASOF))
    assert [trouble.portfolio for trouble in out.trouble] == ["c"]
    assert [name for name, _ in bench.tripped] == ["c"]
    assert not bench.kept[0].held


def inputs(*events: Event) -> Inputs:
    key = PortfolioKey("replay-a-1", "main")
    return Inputs(key, "USD", ASOF, HOUR, [], HOUR.previous, "", events, frozenset(), None)


DIES = """
import json, os, sys
assert sys.stdin.readline() == "terms\\n"
for line in sys.stdin:
    if line == sys.argv[1]:
        os.abort()
    print(json.dumps([["a", True, "1" * 64, "2" * 64, ""]]), flush=True)
"""
"""A prover that spoils its memory over one hour."""


def test_a_prover_that_dies_is_no_proof_and_is_started_again() -> None:
    prover = ProverProcess((sys.executable, "-c", DIES, f"{HOUR.number}\n"), "terms")
    assert prover.prove(HOUR.previous) == [HELD]
    for _ in range(2):
        with pytest.raises(VenueUnavailable, match="died"):
            prover.prove(HOUR)
    assert prover.prove(HOUR.next) == [HELD]
    prover._end()


def test_the_guards_word_is_what_its_mark_led_to_and_what_people_said_before() -> None:
    opened = Event(ASOF - timedelta(days=1), "system", "ACTIVE", 0, "")
    by_mark = Event(ASOF + timedelta(seconds=3), "guard", "HALTED", 1, "halt-1")
    later = Event(ASOF + timedelta(minutes=5), "ada", "HALTED", 2, "flatten-2")
    assert inputs(opened).word(HOUR, ASOF) == Word("ACTIVE", 0, "")
    assert inputs(opened, by_mark, later).word(HOUR, ASOF) == Word("HALTED", 1, "halt-1")
    assert inputs(opened, by_mark, later).word(HOUR.next, HOUR.next.asof) == Word("HALTED", 2, "flatten-2")


def test_what_came_while_time_stood_still_is_known_from_the_hour_that_it_followed() -> None:
    """A replay's time stands while an hour is worked: a halt after the mark bears the time of the mark."""
    opened = Event(ASOF - timedelta(days=1), "system", "ACTIVE", 0, "", -1)
    after = Event(ASOF, "ada", "HALTED", 1, "halt-1", HOUR.number)
    assert inputs(opened, after).word(HOUR, ASOF) == Word("ACTIVE", 0, "")
    assert inputs(opened, after).word(HOUR.next, HOUR.next.asof) == Word("HALTED", 1, "halt-1")


def test_a_trip_that_is_written_down_late_counts_from_when_it_came() -> None:
    opened = Event(ASOF - timedelta(days=1), "system", "ACTIVE", 0, "", -1)
    before = Event(ASOF + timedelta(minutes=9), "ada", "HALTED", 1, "halt-1", HOUR.number - 1)
    assert inputs(opened, before).word(HOUR, ASOF) == Word("HALTED", 1, "halt-1")


def test_a_growing_log_is_read_once_and_a_line_only_when_it_is_whole(tmp_path: Path) -> None:
    log, tail = tmp_path / "2026-03-01.jsonl", Tail(tmp_path)
    log.write_text('{"n": 1}\n{"n": 2')
    assert list(tail.fresh()) == [{"n": 1}]
    with log.open("a") as more:
        more.write('}\ntorn\n{"n": 3}\n')
    (tmp_path / "2026-03-02.jsonl").write_text('{"n": 4}\n')
    assert list(tail.fresh()) == [{"n": 2}, {"n": 3}, {"n": 4}]
    assert list(tail.fresh()) == []


def test_the_first_field_that_differs_is_named_with_both_values() -> None:
    recorded = {"decision": Content.told({"held": {"cash": 1, "lots": {}}}), "verdict": Content.told({})}
    again = {"decision": Content.told({"held": {"cash": 2, "lots": {}}})}
    first, second = compare(recorded, again)
    assert (first.stage, first.same, first.where) == ("decision", False, "held.cash: 1 / 2")
    assert second.where == "nothing came of it again"
    assert json.loads(again["decision"].content or b"")["held"]["cash"] == 2


def outputs(p24: float, artefact: str = "a") -> Content:
    said = {"BTC/USD": {"p24": p24, "e24": None}}
    return Content.told({"lstm": {"artefact": artefact, "trained_through": 7, "said": said}})


def test_what_a_model_said_may_differ_as_much_as_processors_do() -> None:
    def found(*sides: Content) -> tuple[bool, bool, str]:
        recorded, again = ({"outputs": side} for side in sides)
        (row,) = compare(recorded, again)
        return row.same, row.near, row.where

    assert found(outputs(0.5), outputs(0.5)) == (True, False, "")
    assert found(outputs(0.5), outputs(0.500009))[:2] == (False, True)
    assert found(outputs(0.5), outputs(0.50002))[:2] == (False, False)
    where = "lstm.artefact: a / b"
    assert found(outputs(0.5), outputs(0.5, "b")) == (False, False, where)


def test_what_models_said_is_missed_where_it_was_kept_and_nowhere_else() -> None:
    assert compare({}, {"outputs": outputs(0.5)}) == []
    (row,) = compare({"outputs": outputs(0.5)}, {})
    assert (row.same, row.near, row.where) == (False, False, "nothing came of it again")


def test_a_reply_whose_bytes_are_gone_tells_nothing_and_holds_up_no_other() -> None:
    def read(name: str) -> bytes:
        if name == "gone":
            raise DataError("no such object")
        return b'{"error": [], "result": {"last": 7}}'

    replies = Replies(read)
    assert [replies.result(name) for name in ("gone", "kept")] == [None, {"last": 7}]
