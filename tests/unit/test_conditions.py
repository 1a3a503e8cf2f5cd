"""How a venue answered lately, and what counts as its failure."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from adapters.kraken.faults import fault
from adapters.kraken.meter import Meter


class Clock:
    """A time of day that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "live", "lockstep"),
    [
        ("EService:Unavailable", 1, 1),
        ("HTTP 503", 1, 1),
        ("a damaged answer: no JSON", 1, 1),
        ("no answer: ReadTimeout", 1, 0),
        ("no connection: ConnectError", 1, 0),
        ("EOrder:Insufficient funds", 0, 0),
        ("EService:Market in cancel_only mode", 0, 0),
        ("EAPI:Rate limit exceeded", 0, 0),
        ("own pace", 0, 0),
    ],
)
def test_what_counts_as_a_failure_of_the_venue(text: str, live: int, lockstep: int) -> None:
    for expected, is_lockstep in ((live, False), (lockstep, True)):
        meter = Meter(Clock(), lockstep=is_lockstep)
        meter.failed(fault(text))
        assert len(meter.failures()) == expected


def test_what_is_older_than_an_hour_is_forgotten() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.failed(fault("HTTP 503"))
    meter.answered(4.0)
    clock.sleep(1_800)
    meter.answered(0.5)
    assert (len(meter.failures()), meter.slowest_s()) == (1, 4.0)
    clock.sleep(1_801)
    assert (len(meter.failures()), meter.slowest_s()) == (0, 0.5)


def test_a_venue_that_was_not_asked_is_not_calm_but_in_lockstep_time_stands() -> None:
    assert math.isnan(Meter(Clock()).slowest_s())
    assert Meter(Clock(), lockstep=True).slowest_s() == 0.0
