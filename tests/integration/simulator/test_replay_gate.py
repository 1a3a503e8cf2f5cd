"""A replay over HTTP: the driver moves time only through the gate, clients wait in venue time."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from socket import SHUT_RDWR
from typing import Any
from uuid import uuid4

import pytest

from adapters.control import Control
from adapters.venue_clock import LiveClock, ReplayClock, VenueClock
from simulator.tape import HOUR_NS
from tests.venue import QUIET, START_NS, Served, order, served, venue
from trading.clock import TradingHour
from trading.errors import UsageError, VenueUnavailable

HOUR = TradingHour(START_NS // HOUR_NS)
START = HOUR.asof


@pytest.fixture
def place() -> Iterator[Served]:
    with served(venue(*[QUIET] * 6)) as running:
        yield running


def gate(place: Served, timeout_s: float = 0) -> Any:
    query = {"asof": str(HOUR), "timeout_s": timeout_s}
    return place.http.get("/control/gate/wait", params=query).raise_for_status().json()


def waited(clock: VenueClock, until: datetime, name: str) -> bool:
    return asyncio.run(clock.wait(until, name))


def test_time_does_not_pass_before_everybody_is_through(place: Served) -> None:
    clock, limit = ReplayClock(place.address), str(uuid4())
    place.control("gate/open", asof=str(HOUR), expected=["p1", "p2"])
    clock.decided(HOUR, ["p1"], [limit])
    told = gate(place)
    assert (told["ready"], told["stalled"], told["next_due_ns"]) == (False, [], None)
    assert {row["name"] for row in told["missing"]} == {"portfolio p2", f"order {limit}"}
    refused = place.http.post("/control/advance", json={"asof": str(HOUR), "by_s": 60})
    assert (refused.status_code, "p2 has not decided" in refused.text) == (400, True)
    clock.decided(HOUR, ["p2"], [])
    clock.withdrawn(limit, [])
    assert gate(place)["ready"]
    assert clock.now() == START


def test_a_driver_goes_from_due_time_to_due_time(place: Served) -> None:
    """An entry rests, is looked at where the bar fills it, and the hour is over."""
    clock, limit = ReplayClock(place.address), str(uuid4())
    until, looks = START + timedelta(minutes=55), []

    def client() -> None:
        mine = ReplayClock(place.address)
        clock.decided(HOUR, ["p1"], [limit])
        place.private("AddOrder", **order(cl_ord_id=limit, price="7995.0"))
        while True:
            while not waited(mine, until, limit):
                pass
            looks.append(clock.now())
            if place.private("OpenOrders", cl_ord_id=limit).json()["result"]["open"] == {}:
                return clock.withdrawn(limit, [])

    place.control("gate/open", asof=str(HOUR), expected=["p1"])
    working = threading.Thread(target=client)
    working.start()
    stops: list[float] = []
    while working.is_alive():
        told = gate(place, timeout_s=5)
        assert told["ready"], told
        if told["next_due_ns"] is None:
            working.join(5)
            break
        now = place.control("advance", asof=str(HOUR), to_ns=told["next_due_ns"])
        stops.append(now["now_s"] - START.timestamp())
    assert stops == [120]
    assert looks == [START + timedelta(minutes=2)]


def test_a_wait_returns_when_its_time_has_come_and_is_asked_again_before(place: Served) -> None:
    clock, until = ReplayClock(place.address), START + timedelta(seconds=90)
    query = {"order": "x", "until_ns": START_NS + 90_000_000_000, "timeout_s": 0.01}
    told = place.http.get("/control/wait", params=query).json()
    assert (told["due"], told["changed"]) == (False, False)
    place.control("advance", by_s=90)
    assert waited(clock, until, "x")
    assert clock.rest(until, "x")
    assert clock.now() == until


def test_a_change_between_two_polls_is_not_lost(place: Served) -> None:
    limit = str(uuid4())
    place.private("AddOrder", **order(cl_ord_id=limit))
    query = {"order": limit, "until_ns": START_NS + HOUR_NS, "timeout_s": 0.01}
    first = place.http.get("/control/wait", params=query).json()
    place.private("CancelOrder", cl_ord_id=limit)
    again = place.http.get("/control/wait", params=query | {"seen": first["seen"]}).json()
    assert (first["changed"], again["changed"]) == (False, True)


def test_many_wait_at_once(place: Served) -> None:
    async def all_of_them(clock: ReplayClock) -> list[bool]:
        until = START + timedelta(minutes=1)
        waits = [asyncio.create_task(clock.wait(until, f"o{i}")) for i in range(300)]
        await asyncio.sleep(1)
        await asyncio.to_thread(place.control, "advance", by_s=60)
        return await asyncio.gather(*waits)

    assert all(asyncio.run(all_of_them(ReplayClock(place.address))))


def test_an_advance_told_twice_counts_once(place: Served) -> None:
    clock = ReplayClock(place.address)
    place.control("gate/open", asof=str(HOUR), expected=["p1"])
    clock.decided(HOUR, ["p1"], ["o"])
    place.http.get("/control/wait", params={"order": "o", "until_ns": START_NS + 60, "timeout_s": 0})
    place.control("advance", asof=str(HOUR), to_ns=START_NS + 60)
    assert place.control("advance", asof=str(HOUR), to_ns=START_NS + 60)["now_ns"] == START_NS + 60
    assert not gate(place)["ready"]


def test_what_cannot_be_is_refused_and_silence_is_unavailable(place: Served) -> None:
    place.control("gate/open", asof=str(HOUR), expected=["p1"])
    assert place.http.post("/control/gate/open", json={"asof": str(HOUR), "expected": []}).status_code == 400
    assert place.http.get("/control/wait", params={"order": "x"}).status_code == 400
    with pytest.raises(VenueUnavailable):
        ReplayClock("http://127.0.0.1:9").now()
    with pytest.raises(UsageError):
        Control(place.address).post("nothing", {})
    assert place.http.get("/control/nothing").status_code == 400


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(place: Served) -> None:
    control = Control(place.address)
    told = control.post("clock", {})
    control._connection().sock.shutdown(SHUT_RDWR)
    assert control.post("clock", {}) == told


class Standing:
    """A venue whose time the test sets."""

    def now(self) -> datetime:
        return START


def test_the_live_clock_waits_in_pieces_and_holds_nobody() -> None:
    venue: Any = Standing()
    clock = LiveClock(venue)
    clock.decided(HOUR, ["p1"], ["o"])
    clock.withdrawn("o", [])
    assert waited(clock, START + timedelta(milliseconds=20), "o")
    assert waited(clock, START - timedelta(hours=1), "o")
    assert clock.rest(START + timedelta(milliseconds=20), "o")
