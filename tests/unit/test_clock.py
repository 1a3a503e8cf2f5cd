"""Hours are whole, aware, UTC and ordered."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.clock import DAY_H, HOUR_S, TradingHour

hours = st.builds(TradingHour, st.integers(min_value=-600_000, max_value=2_000_000))


@given(hours)
def test_an_hour_survives_the_way_to_a_time_and_back(hour: TradingHour) -> None:
    assert TradingHour.at(hour.asof) == hour
    assert datetime.fromisoformat(str(hour).replace("Z", "+00:00")) == hour.asof


@given(hours)
def test_previous_and_next_are_an_hour_away_and_undo_each_other(hour: TradingHour) -> None:
    assert hour.next.asof - hour.asof == hour.asof - hour.previous.asof == timedelta(seconds=HOUR_S)
    assert hour.next.previous == hour == hour.previous.next
    assert hour.previous < hour < hour.next


@given(hours, hours)
def test_hours_are_ordered_as_their_times_are(one: TradingHour, other: TradingHour) -> None:
    assert (one < other) == (one.asof < other.asof)


@given(hours)
def test_a_day_starts_at_midnight_and_only_there(hour: TradingHour) -> None:
    assert hour.starts_day == (hour.asof.hour == 0)
    assert sum(TradingHour(hour.number + i).starts_day for i in range(DAY_H)) == 1


@given(hours, st.floats(min_value=-1e6, max_value=1e6))
def test_staleness_counts_seconds_after_the_close(hour: TradingHour, later_s: float) -> None:
    assert hour.staleness_s(hour.asof + timedelta(seconds=later_s)) == pytest.approx(later_s, abs=1e-5)


def test_the_first_hour_and_a_known_one() -> None:
    assert TradingHour(0).asof == datetime(1970, 1, 1, tzinfo=UTC)
    assert str(TradingHour.at(datetime(2024, 12, 31, 23, tzinfo=UTC))) == "2024-12-31T23:00Z"


@pytest.mark.parametrize(
    ("asof", "complaint"),
    [
        (datetime(2024, 1, 1, 5), "not an aware UTC time"),  # noqa: DTZ001
        (datetime(2024, 1, 1, 5, tzinfo=timezone(timedelta(hours=1))), "not an aware UTC time"),
        (datetime(2024, 1, 1, 5, 0, 1, tzinfo=UTC), "not on the hour"),
        (datetime(2024, 1, 1, 5, 30, tzinfo=UTC), "not on the hour"),
        (datetime(2024, 1, 1, 5, 0, 0, 1, tzinfo=UTC), "not on the hour"),
    ],
)
def test_a_time_that_names_no_hour_is_refused(asof: datetime, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TradingHour.at(asof)
