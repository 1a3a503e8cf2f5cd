"""Every row of the error table, through the client: what a read and what a write make of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kraken.errors import KrakenError
from adapters.kraken.faults import LOCKOUT_S, TABLE, THROTTLE_S_MAX, Fate, Pause, Row, fault, judge, row_for
from adapters.kraken.requests import AddOrder
from trading.errors import OutcomeUnknown, VenueRefused, VenueUnavailable

READ_RAISES = {Fate.AGAIN: VenueUnavailable, Fate.REFUSED: VenueRefused, Fate.UNKNOWN: VenueUnavailable}
WRITE_RAISES = {Fate.AGAIN: VenueUnavailable, Fate.REFUSED: VenueRefused, Fate.UNKNOWN: OutcomeUnknown}

EXPECTED: dict[Fate, str] = {
    Fate.AGAIN: """EAPI:Rate limit exceeded|EOrder:Rate limit exceeded|EOrder:Domain rate limit exceeded|
        EService:Throttled|EGeneral:Too many requests|EAuth:Rate limit exceeded|EAuth:Too many requests|
        EGeneral:Temporary lockout|EAPI:Invalid nonce|EService:Market in cancel_only mode|
        EService:Market in post_only mode|EService:Market in limit_only mode|no connection|own pace""",
    Fate.UNKNOWN: """EService:Unavailable|EService:Busy|EService:Deadline elapsed|EGeneral:Internal error|
        EDatabase:Internal error|HTTP 403|HTTP 429|HTTP 500|HTTP 502|HTTP 503|HTTP 504|HTTP 520|HTTP 521|
        HTTP 522|HTTP 523|HTTP 524|HTTP 525|HTTP 526|no answer|a damaged answer""",
}
"""Written down a second time, so that a change of the table has to be meant. The rest are refusals."""


def order(clock: Any) -> AddOrder:
    return AddOrder(
        pair="XXBTZUSD",
        side="buy",
        kind="limit",
        volume=Decimal("0.01"),
        price=Decimal("37500.0"),
        cl_ord_id=UUID(int=7),
        deadline=clock.now() + timedelta(seconds=8),
    )


def produced_by(row: Row, kraken: Any, endpoint: str) -> None:
    """Let the venue, or the way to it, fail in the manner of a row."""
    if row.text.startswith("HTTP "):
        kraken.says(endpoint, httpx.Response(int(row.text[5:]), content=b"<html>Cloudflare</html>"))
    elif row.text == "no connection":
        kraken.says(endpoint, httpx.ConnectError("refused"))
    elif row.text == "no answer":
        kraken.says(endpoint, httpx.ReadTimeout("silence"))
    elif row.text == "a damaged answer":
        kraken.says(endpoint, httpx.Response(200, content=b'{"error":[],"resu'))
    else:
        kraken.says(endpoint, [row.text])


SENT = [row for row in TABLE if row.text != "own pace"]


@pytest.mark.parametrize("row", SENT, ids=lambda row: row.text)
def test_a_read_repeats_what_is_harmless_and_then_says_what_to_do(
    row: Row, private: Any, kraken: Any, clock: Any
) -> None:
    produced_by(row, kraken, "BalanceEx")
    with pytest.raises(KrakenError, match=r"; \w+") as raised:
        private.balances()
    assert isinstance(raised.value, READ_RAISES[row.fate])
    assert raised.value.fault.row == row
    attempts = kraken.count("BalanceEx")
    if row.fate is Fate.REFUSED or row.wait_s >= 30:
        assert (attempts, clock.slept) == (1, 0)
    else:
        assert 2 <= attempts <= 4
        assert clock.slept <= 30


@pytest.mark.parametrize("row", SENT, ids=lambda row: row.text)
def test_a_write_is_sent_once_and_unknown_stays_unknown(
    row: Row, private: Any, kraken: Any, clock: Any
) -> None:
    produced_by(row, kraken, "AddOrder")
    with pytest.raises(KrakenError) as raised:
        private.add_order(order(clock))
    assert isinstance(raised.value, WRITE_RAISES[row.fate])
    assert kraken.count("AddOrder") == 1
    assert clock.slept == 0


def test_the_table_says_what_was_decided() -> None:
    for fate, texts in EXPECTED.items():
        assert {row.text for row in TABLE if row.fate is fate} == {text.strip() for text in texts.split("|")}
    assert len({row.text for row in TABLE}) == len(TABLE)
    assert all(row.advice and (row.fate is not Fate.REFUSED or row.wait_s == 0) for row in TABLE)


@pytest.mark.parametrize("row", SENT, ids=lambda row: row.text)
def test_a_pause_keeps_others_still_before_anything_is_sent(
    row: Row, private: Any, kraken: Any, clock: Any
) -> None:
    produced_by(row, kraken, "AddOrder")
    kraken.says("BalanceEx", {})
    with pytest.raises(KrakenError):
        private.add_order(order(clock))
    if row.wait_s >= 30 and row.pause is Pause.CALLER:
        with pytest.raises(VenueUnavailable, match="own pace"):
            private.balances()
        assert kraken.count("BalanceEx") == 0
        clock.sleep(row.wait_s)
    private.balances()
    assert (clock.slept > 0) == (row.pause is Pause.CALLER)


def test_a_lockout_lasts_a_quarter_of_an_hour_and_nothing_is_sent_meanwhile(
    private: Any, kraken: Any, clock: Any
) -> None:
    kraken.says("BalanceEx", ["EGeneral:Temporary lockout"], {})
    for _ in range(3):
        with pytest.raises(VenueUnavailable):
            private.balances()
    assert kraken.count("BalanceEx") == 1
    clock.sleep(LOCKOUT_S)
    assert private.balances() == {}


def test_an_unknown_outcome_of_one_of_several_errors_makes_all_unknown() -> None:
    texts = ["EOrder:Insufficient funds", "EService:Busy", "EAPI:Rate limit exceeded"]
    found = judge(texts, 0)
    assert found is not None
    assert found.said == "EService:Busy"
    refused = judge(texts[::2], 0)
    assert refused is not None
    assert refused.row.fate is Fate.REFUSED


def test_warnings_are_no_errors(private: Any, kraken: Any) -> None:
    body = b'{"error":["WGeneral:Slow"],"result":{"ZUSD":{"balance":"5.0"}}}'
    kraken.says("BalanceEx", httpx.Response(200, content=body))
    assert private.balances()["ZUSD"].available == Decimal("5.0")


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("EGeneral:Invalid arguments:volume", "EGeneral:Invalid arguments"),
        (
            "EGeneral:Invalid arguments:cl_ord_id not unique",
            "EGeneral:Invalid arguments:cl_ord_id not unique",
        ),
        ("EService: Throttled: 1741500000", "EService:Throttled"),
        ("EGeneral:Internal error:3", "EGeneral:Internal error"),
        ("EOrder:Insufficient fundsX", ""),
        ("EOrder", ""),
        ("", ""),
    ],
)
def test_rows_match_whole_texts_up_to_a_colon(text: str, row: str) -> None:
    assert row_for(text).text == row


def test_a_throttle_waits_for_its_moment_and_not_for_ever() -> None:
    assert fault("EService:Throttled:1000", 990).wait_s == 11
    assert fault("EService: Throttled: 1000.5", 990).wait_s == 11
    assert fault("EService:Throttled:999999999999", 990).wait_s == THROTTLE_S_MAX
    assert fault("EService:Throttled:5", 990).wait_s == 0
    assert fault("EService:Throttled:soon", 990).wait_s == 5


@given(st.text())
def test_a_strange_text_is_unknown(text: str) -> None:
    assert row_for(f"EStrange {text}").fate is Fate.UNKNOWN
    assert len(fault(text * 50).sentence) < 400
