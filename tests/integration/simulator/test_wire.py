"""What a client meets on the wire when a fault strikes, and the control that sets it."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator.tape import SECOND_NS
from tests.venue import FIRST, QUIET, START_NS, Served, order, served, to_first_event, venue


@pytest.fixture
def place() -> Iterator[Served]:
    with served(to_first_event(venue(*[QUIET] * 6))) as running:
        yield running


def placed(place: Served) -> int:
    rows = place.control("truth")["rows"]
    return sum(row["event"] == "placed" for row in rows)


@pytest.mark.parametrize("effect", ["none", "applied"])
@pytest.mark.parametrize(
    ("kind", "args", "expected"),
    [
        ("close", {}, httpx.RemoteProtocolError),
        ("silence", {"for_s": 0.2}, httpx.RemoteProtocolError),
        ("silence", {}, httpx.ReadTimeout),
        ("reset", {}, httpx.TransportError),
        ("slow", {"for_s": 5}, httpx.ReadTimeout),
        ("garbled", {"how": "gzip"}, httpx.DecodingError),
    ],
)
def test_a_broken_connection_leaves_the_outcome_unknown(
    place: Served, kind: str, args: dict[str, Any], expected: type[Exception], effect: str
) -> None:
    place.http.timeout = httpx.Timeout(0.4)
    place.control("fault", kind=kind, endpoint="AddOrder", count=1, effect=effect, args=args)
    with pytest.raises(expected):
        place.private("AddOrder", **order(price="7000.0"))
    place.http.timeout = httpx.Timeout(5)
    assert placed(place) == (effect == "applied")
    assert place.private("Balance").json()["error"] == []


@pytest.mark.parametrize("status", [403, 429, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526])
def test_an_error_page_comes_with_its_status(place: Served, status: int) -> None:
    place.control("fault", kind="http", count=1, args={"status": status})
    answer = place.http.get("/0/public/Time")
    assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")


@pytest.mark.parametrize(
    ("how", "check"),
    [
        ("html", lambda answer: answer.text.startswith("<!DOCTYPE html>")),
        ("empty", lambda answer: answer.content == b""),
        ("truncated", lambda answer: answer.text.startswith('{"error":[]') and answer.text[-1] != "}"),
        ("type", lambda answer: answer.headers["content-type"] == "text/plain"),
        ("doubled", lambda answer: answer.text.count('"error"') == 2),
    ],
)
def test_a_reply_with_status_200_may_be_anything(place: Served, how: str, check: Any) -> None:
    place.control("fault", kind="garbled", endpoint="Time", args={"how": how})
    answer = place.http.get("/0/public/Time")
    assert answer.status_code == 200
    assert check(answer)


def test_a_slow_drip_outlasts_every_single_read(place: Served) -> None:
    place.control("fault", kind="drip", endpoint="Time")
    with place.http.stream("GET", "/0/public/Time") as answer:
        drops = answer.iter_raw()
        assert len(next(drops) + next(drops)) == 2


def test_a_second_client_on_the_key_meets_an_invalid_nonce(place: Served) -> None:
    nonce = place.venue.keys.nonce
    assert place.private("Balance").json()["error"] == []
    place.venue.keys.nonce = nonce + 10**12
    assert place.private("Balance").json()["error"] == ["EAPI:Invalid nonce"]


def test_time_moves_by_control_alone_in_lockstep(place: Served) -> None:
    clock = place.control("clock")
    assert clock["now_s"] == START_NS / SECOND_NS + 120
    assert clock["end_s"] == (FIRST + 7) * 3_600
    assert place.control("advance", bars=1)["now_s"] == clock["now_s"] + 3_600
    assert place.control("advance", by_s=5)["now_s"] == clock["now_s"] + 3_605
    assert place.control("advance", to_s=clock["now_s"])["now_s"] == clock["now_s"] + 3_605
    assert place.control("advance", to_s=10**12)["now_s"] == clock["end_s"]


def test_time_runs_at_the_speed_it_is_given() -> None:
    with served(venue(*[QUIET] * 6), speed=1_000) as place:
        begin = place.control("clock")["now_s"]
        threading.Event().wait(0.3)
        assert place.control("clock", speed=0)["now_s"] > begin + 200
        assert place.control("clock")["now_s"] == place.control("clock")["now_s"]


def test_control_says_what_is_wrong(place: Served) -> None:
    for command, body, word in (
        ("fly", {}, "no control"),
        ("fault", {"kind": "earthquake"}, "earthquake"),
        ("fault", {"colour": "red"}, "colour"),
        ("deposit", {"asset": "GOLD", "amount": "1"}, "GOLD"),
        ("advance", {"to_s": "soon"}, "Invalid"),
    ):
        answer = place.http.post(f"/control/{command}", json=body)
        assert answer.status_code == 400
        assert word in answer.json()["error"]


def test_control_deposits_permits_lists_and_tells_the_truth(place: Served) -> None:
    place.control("deposit", asset="XBT", amount="0.5")
    assert place.private("Balance").json()["result"]["XXBT"] == "2.5000000000"
    assert place.control("key", permissions=["withdraw-funds"])["permissions"] == ["withdraw-funds"]
    assert place.private("GetApiKeyInfo").json()["result"]["permissions"] == ["withdraw-funds"]
    place.control("fault", kind="close", count=3)
    assert [rule["kind"] for rule in place.control("faults")["faults"]] == ["close"]
    assert place.control("clear")["cleared"] == 1
    truth = place.control("truth", after=2)
    assert truth["balances"]["BTC"] == 250_000_000
    assert [row["n"] for row in truth["rows"]] == list(range(2, 2 + len(truth["rows"])))


def test_paths_and_methods_that_do_not_exist_are_unknown(place: Served) -> None:
    for answer in (
        place.http.get("/0/public/Nonesuch"),
        place.http.post("/0/public/Time"),
        place.http.get("/"),
    ):
        assert answer.json()["error"] == ["EGeneral:Unknown method"]
