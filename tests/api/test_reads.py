"""What the API tells of a portfolio is what the rows say, and only to whom it belongs."""

import asyncio
import csv
import io
import json
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from anyio import to_thread

from adapters.clock import SystemClock
from adapters.monitors import Look, Monitors
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import unit_of_work
from adapters.storage.hours import PortfolioHour
from adapters.storage.portfolios import open_portfolio
from api.access.roles import Role, Scope
from api.reads.series import POINTS_MAX
from api.routes import events
from api.wire import csv_file
from tests.history import BEGAN, with_a_past
from tests.installation import World
from tests.releases import release
from trading.evaluation.monitors import Action, Level, Monitor

BASE = "/api/portfolios/main"
PAGED = (("orders", "number"), ("trades", "trade_id"), ("verdicts", "asof"))


@pytest.fixture
def ada(world: World):
    """A viewer of a portfolio with two days behind it."""
    with_a_past(world.engine)
    world.person("ada", Role.VIEWER)
    return world.signed_in("ada")


def test_the_overview_says_what_the_last_mark_says(ada) -> None:
    told = ada.get(BASE).json()
    assert told["mode"] == "replay"
    assert told["asof"] == "2026-01-02T23:00:00Z"
    assert told["equity"] == "10000.00047"
    assert (told["state"], told["state_cause"], told["halt_epoch"]) == ("ACTIVE", "first resume", 1)
    assert told["tiers"] == [0.1, 0.15, 0.2]
    meters = {meter["name"]: meter for meter in told["meters"]}
    assert meters["exposure"]["limit"] == 0.2
    assert meters["exposure"]["used"] == pytest.approx(0.1, abs=1e-9)
    assert meters["positions"] == {"name": "positions", "used": 1.0, "limit": 10.0, "unit": "positions"}
    assert told["last_outcome"] == "NO_CHANGE"


def test_a_portfolio_without_a_past_is_shown_empty(world: World) -> None:
    key = PortfolioKey("paper-1", "main")
    with unit_of_work(world.engine) as session:
        open_portfolio(session, key, "USD", BEGAN)
    world.person("ada", Role.VIEWER)
    ada = world.signed_in("ada")
    told = ada.get(BASE).json()
    assert (told["asof"], told["state"], told["equity"]) == (None, "HALTED", "0")
    assert told["state_cause"] == "never set"
    assert ada.get(f"{BASE}/monitors").json()["asof"] is None
    for name in ("equity", "orders", "trades", "verdicts", "reconciliation", "alerts", "audit", "proofs"):
        assert ada.get(f"{BASE}/{name}").status_code == 200, name


def test_monitors_say_what_was_found_and_done_when_somebody_last_looked(ada, world: World) -> None:
    drift = Monitor("drift of p24", Level.ALERT, 0.31, "alert above 0.25")
    missing = Monitor("cost of a fill", Level.UNKNOWN, None, "3 fills of 20")
    look = Look(BEGAN + timedelta(hours=47), (drift, missing), Action.HALVE)
    Monitors(world.engine, world.home, lambda _: b"", lambda _: release(), SystemClock()).act(
        PortfolioKey("replay-a-1", "main"), look
    )
    told = ada.get(f"{BASE}/monitors").json()
    assert (told["asof"], told["action"], told["restored_by"]) == ("2026-01-02T23:00:00Z", "halve", "")
    assert told["taken"] == ["half the size from 2026-01-03T01:00Z", "alert: drift of p24"]
    assert [list(one.values()) for one in told["found"]] == [
        ["cost of a fill", "unknown", None, "3 fills of 20"],
        ["drift of p24", "alert", 0.31, "alert above 0.25"],
    ]


def test_the_curve_shows_the_worst_drawdown_of_each_point(world: World) -> None:
    hours = 3 * POINTS_MAX
    with_a_past(world.engine, hours=hours)
    world.person("ada", Role.VIEWER)
    told = world.signed_in("ada").get(f"{BASE}/equity").json()
    assert len(told["asof"]) == POINTS_MAX
    assert told["hours_a_point"] == 3
    assert max(told["risk_drawdown"]) == pytest.approx(0.12, abs=1e-6)
    assert told["asof"][-1] == (BEGAN + timedelta(hours=hours - 1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_curve_grows_by_what_is_new(world: World, ada) -> None:
    first = ada.get(f"{BASE}/equity").json()
    with_a_past(world.engine, "other", hours=60, track="replay-a-2")
    assert ada.get(f"{BASE}/equity").json() == first
    since = quote((BEGAN + timedelta(hours=40)).isoformat())
    assert len(ada.get(f"{BASE}/equity?from={since}").json()["asof"]) == 8


def test_a_trade_shows_its_costs_and_what_it_slipped(ada) -> None:
    told = ada.get(f"{BASE}/trades?limit=1").json()["items"][0]
    assert told["price"] == "59999"
    assert told["quantity"] == "0.00001"
    assert told["fee"] == "0.00239996"
    # A tick better than its limit, on a thousand satoshi.
    assert told["slippage"] == "-0.00001"


def test_pages_follow_each_other_without_gap_or_repetition(ada) -> None:
    for name, field in PAGED:
        found, before = [], ""
        while True:
            page = ada.get(f"{BASE}/{name}?limit=4{before}").json()
            found += [(item[field], item["instrument"]) for item in page["items"]]
            if page["next"] is None:
                break
            before = f"&before={page['next']}"
        whole = ada.get(f"{BASE}/{name}?limit=500").json()["items"]
        assert found == [(item[field], item["instrument"]) for item in whole]
        assert len(found) == len(set(found)) == (12 if name == "verdicts" else 6)


@pytest.mark.parametrize("cursor", ["%%%", "abc", "MTIz", "eHg", "LTE", "4p-K"])
def test_a_bad_cursor_is_the_callers_mistake(ada, cursor: str) -> None:
    for name in ("orders", "trades", "verdicts", "audit"):
        status = ada.get(f"{BASE}/{name}", params={"before": cursor}).status_code
        assert status in (200, 400), (name, cursor)
    assert ada.get(f"{BASE}/orders", params={"before": "%%%"}).status_code == 400


def test_denials_are_told_with_the_control_that_bound(ada) -> None:
    told = ada.get(f"{BASE}/verdicts?verdict=denied").json()["items"]
    assert {item["instrument"] for item in told} == {"ETH/USD"}
    assert told[0]["breaches"] == ["CLUSTER"]
    assert told[0]["approved"] == "0"


def test_an_order_shows_every_event_and_its_trades(ada) -> None:
    order = ada.get(f"{BASE}/orders?limit=1").json()["items"][0]
    told = ada.get(f"{BASE}/orders/{order['id']}").json()
    assert [event["what"] for event in told["events"]] == ["sent", "accepted", "traded"]
    assert [trade["trade_id"] for trade in told["trades"]] == ["T-000006"]
    assert ada.get(f"{BASE}/orders/{'0' * 8}-0000-0000-0000-{'0' * 12}").status_code == 404


def test_an_hour_is_told_stage_by_stage(ada) -> None:
    told = ada.get(f"{BASE}/hours/2026-01-01T02:00:00Z").json()
    assert told["outcome"] == "TRADED"
    assert [(v["instrument"], v["verdict"], v["breaches"]) for v in told["verdicts"]] == [
        ("BTC/USD", "shrunk", ["EXPOSURE"]),
        ("ETH/USD", "denied", ["CLUSTER"]),
    ]
    assert [(order["kind"], order["price"]) for order in told["orders"]] == [("limit", "60000")]
    assert told["next"] == "2026-01-01T03:00:00Z"
    assert told["workflow"] is None
    ada.app.state.temporal_ui = "http://127.0.0.1:1/namespaces/n"
    told = ada.get(f"{BASE}/hours/2026-01-01T02:00Z").json()
    assert told["workflow"].endswith("/workflows/replay-a-1%252Ftrading-hour%252F2026-01-01T02%253A00Z")


@pytest.mark.parametrize(
    ("asof", "status"),
    [
        ("2026-01-01T02:30:00Z", 400),
        ("2025-01-01T00:00:00Z", 404),
        ("soon", 422),
        ("2026-01-01T02:00:00", 400),
    ],
)
def test_an_hour_that_is_none_is_said_to_be(ada, asof: str, status: int) -> None:
    assert ada.get(f"{BASE}/hours/{asof}").status_code == status


def test_hours_can_be_filtered_by_how_they_ended(ada) -> None:
    traded = ada.get(f"{BASE}/hours?outcome=TRADED&limit=500").json()["items"]
    assert len(traded) == 12
    assert ada.get(f"{BASE}/hours?limit=500").json()["items"][0]["asof"] == "2026-01-02T23:00:00Z"


def test_the_record_is_held_against_the_targets(world: World) -> None:
    with_a_past(world.engine, hours=24 * 70)
    world.person("ada", Role.VIEWER)
    told = world.signed_in("ada").get(f"{BASE}/performance").json()
    assert (told["label"], told["outcome"]) == ("replay", "NOT MET")
    assert told["max_drawdown"] == pytest.approx(0.12, abs=1e-6)
    assert [month["month"] for month in told["months"]] == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert told["months"][1]["drawdown"] == pytest.approx(0.12, abs=1e-6)
    fails = {target["name"] for target in told["targets"] if target["holds"] is False}
    assert {"net growth a year", "worst monthly drawdown"} <= fails
    assert told["trades"] == 6
    assert told["fees_paid"] == pytest.approx(6 * 0.00239996)


def test_a_short_record_says_nothing_yet(ada) -> None:
    told = ada.get(f"{BASE}/performance").json()
    assert (told["sharpe"], told["months"], told["outcome"]) == (None, [], "INCONCLUSIVE")


def test_an_unexplained_balance_is_said(ada) -> None:
    told = ada.get(f"{BASE}/reconciliation").json()
    assert not told["explained"]
    assert {b["asset"]: b["unexplained"] for b in told["balances"]} == {"BTC": "0.00000002", "USD": "0"}


def test_files_hold_every_row_and_no_formula(ada) -> None:
    answer = ada.get(f"{BASE}/equity.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="equity-main.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 48
    assert rows[-1]["equity"] == "10000.00047"
    trades = list(csv.DictReader(io.StringIO(ada.get(f"{BASE}/trades.csv").text)))
    assert [row["trade_id"] for row in trades][-1] == "T-000001"
    text = b"".join(_body(csv_file("x", ("a",), [["=1+1"], ["@x"], ["-1"]])))
    assert text.decode().splitlines() == ["a", "'=1+1", "'@x", "-1"]


def _body(response) -> list[bytes]:
    async def read() -> list[bytes]:
        return [part.encode() async for part in response.body_iterator]

    return asyncio.run(read())


def test_what_did_not_change_is_not_sent_again(ada) -> None:
    first = ada.get(BASE)
    assert first.headers["cache-control"] == "private, no-cache"
    again = ada.get(BASE, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_stream_says_what_is_new_to_whoever_comes_back(
    world: World, ada, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_event(last: str) -> tuple[str, list[str]]:
        with ada.stream("GET", f"{BASE}/events", headers={"Last-Event-ID": last}) as stream:
            lines = stream.iter_lines()
            id = next(line.removeprefix("id: ") for line in lines if line.startswith("id: "))
            return id, next(
                json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")
            )

    monkeypatch.setattr(events, "STREAM_S", 1.0)
    reached, everything = first_event("")
    assert "ended" in everything
    with unit_of_work(world.engine) as session:
        asof = BEGAN + timedelta(hours=48)
        row = {"outcome": "NO_CHANGE", "reason": "", "fills": 0, "settled": True, "ended": asof}
        session.add(PortfolioHour(track="replay-a-1", portfolio="main", asof=asof, **row))
    assert set(first_event(reached)[1]) == {"ended", "audit"}


def test_nobody_sees_the_portfolio_of_another(world: World) -> None:
    with_a_past(world.engine, "hers")
    with_a_past(world.engine, "his")
    world.person("ada", Role.ADMIN, "hers")
    world.person("bob", Role.APPROVER, "his")
    ada, program = world.signed_in("ada"), world.with_token("ada", Scope.READ)
    paths = [path for path in ada.get("/api/openapi.json").json()["paths"] if "{portfolio}" in path]
    assert len(paths) >= 12
    order = ada.get("/api/portfolios/hers/orders").json()["items"][0]["id"]
    for asker in (ada, program):
        for path in paths:
            for portfolio in ("his", "none"):
                url = path.replace("{portfolio}", portfolio).replace("{order}", order)
                url = url.replace("{asof}", "2026-01-01T00:00Z")
                answer = asker.get(url)
                if answer.status_code == 405:
                    continue
                assert answer.status_code == 404, url
        assert [listed["portfolio"] for listed in asker.get("/api/portfolios").json()] == ["hers"]
    # The same track, the same order number: only the owner's rows.
    for name in ("orders", "trades", "verdicts", "alerts", "audit"):
        told = ada.get(f"/api/portfolios/hers/{name}").text
        assert "his" not in told.replace("this", ""), name


def test_a_crowd_larger_than_threads_and_connections_is_answered(world: World) -> None:
    with_a_past(world.engine)
    world.person("ada", Role.VIEWER)
    _, secret = world.client().app.state.access.add_token("ada", "program", Scope.READ, 1, by="test")

    async def crowd() -> list[int]:
        to_thread.current_default_thread_limiter().total_tokens = 4
        transport = httpx.ASGITransport(app=world.client().app)
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers) as client:
            answers = await asyncio.gather(*(client.get(f"{BASE}/alerts") for _ in range(40)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(crowd()) == [200] * 40
