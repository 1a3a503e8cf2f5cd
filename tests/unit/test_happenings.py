"""Files of deposits, withdrawals and missed hours are read exactly, or refused by line."""

from pathlib import Path

import pytest

from cli.happenings import flows, missed
from trading.errors import UsageError

FIRST, LAST = 473_352, 473_400
"""2024-01-01T00:00Z and two days later."""


def written(folder: Path, text: str) -> Path:
    file = folder / "file"
    file.write_text(text)
    return file


def test_flows_are_exact_and_those_of_one_hour_add_up(tmp_path: Path) -> None:
    file = written(
        tmp_path, "asof,amount\n2024-01-01T05:00Z,100.00000001\n2024-01-01T05:00Z,-40\n2024-01-03T00:00Z,-1\n"
    )
    assert flows(file, FIRST, LAST) == {FIRST + 5: 6_000_000_001, LAST: -100_000_000}


def test_missed_hours_are_read_with_blank_lines_between(tmp_path: Path) -> None:
    assert missed(written(tmp_path, "2024-01-01T05:00Z\n\n2024-01-01T06:00Z\n"), FIRST, LAST) == {
        FIRST + 5,
        FIRST + 6,
    }


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("time,amount\n", "does not begin with the line asof,amount"),
        ("", "does not begin with the line asof,amount"),
        ("asof,amount\n2024-01-01T05:00Z\n", "line 2: two columns"),
        ("asof,amount\n2024-01-01T05:00Z,much\n", "line 2: 'much' is no amount"),
        ("asof,amount\n2024-01-01T05:00Z,nan\n", "line 2: 'nan' is no amount"),
        ("asof,amount\n2024-01-01T05:00Z,0.000000001\n", "line 2: '0.000000001' is no amount"),
        ("asof,amount\n2024-01-01T05:30Z,1\n", "line 2: '2024-01-01T05:30Z' is no full hour"),
        ("asof,amount\n2024-01-01T05:00,1\n", "is no full hour"),
        ("asof,amount\n2024-01-01T00:00Z,1\n", "lies outside the backtest"),
        ("asof,amount\n2024-01-03T01:00Z,1\n", "lies outside the backtest"),
    ],
)
def test_what_makes_no_sense_is_refused_by_line(tmp_path: Path, text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        flows(written(tmp_path, text), FIRST, LAST)


def test_a_missed_hour_that_is_none_is_refused_by_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2"):
        missed(written(tmp_path, "2024-01-01T05:00Z\nyesterday\n"), FIRST, LAST)
