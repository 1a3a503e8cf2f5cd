"""The life of an order at the venue: checks, holds, arrival, expiry, cancels, the dead man's switch."""

import pytest

from simulator.faults import Rule
from simulator.protocol import rfc3339
from simulator.tape import CLOSE_NS, HOUR_NS, SECOND_NS
from simulator.venue import Venue
from tests.venue import QUIET, START_NS, ask, call, order, to_first_event, venue
from trading.backtest.matching import Bar

FALLING = Bar(1, 80_000, 80_100, 70_000, 71_000, 10_000_000_000)
SILENT = Bar(0, 80_000, 80_000, 80_000, 80_000, 0)
ID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"


def place(of: Venue, **changes: object) -> str:
    """The txid of an accepted order."""
    answer = call(of, "AddOrder", **order(**changes))
    assert answer["error"] == [], answer
    return str(answer["result"]["txid"][0])


def look(of: Venue, txid: str) -> dict[str, object]:
    shown: dict[str, object] = call(of, "QueryOrders", txid=txid, trades="true")["result"][txid]
    return shown


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"pair": "XBT/USD"}, "EQuery:Unknown asset pair"),
        ({"pair": "NONESUCH"}, "EQuery:Unknown asset pair"),
        ({"pair": "ETHUSD"}, "EService:Market in cancel_only mode"),
        ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
        ({"ordertype": "iceberg"}, "EGeneral:Invalid arguments:ordertype"),
        ({"ordertype": "stop-loss"}, "EGeneral:Invalid arguments:ordertype"),
        ({"price": "7900.05"}, "EOrder:Tick size check failed"),
        ({"price": "-1"}, "EGeneral:Invalid arguments:price"),
        ({"price": "nan"}, "EGeneral:Invalid arguments:price"),
        ({"price": None}, "EGeneral:Invalid arguments:price"),
        ({"volume": "0.000000001"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "1e99"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.00001"}, "EOrder:Order minimum not met"),
        ({"volume": "0.0001", "price": "1.0"}, "EOrder:Cost minimum not met"),
        ({"volume": "100"}, "EOrder:Insufficient funds"),
        ({"volume": "100000000"}, "EOrder:Insufficient funds"),
        ({"type": "sell", "volume": "2.1"}, "EOrder:Insufficient funds"),
        ({"ordertype": "market", "price": None, "volume": "13"}, "EOrder:Insufficient funds"),
        ({"leverage": "2"}, "EGeneral:Invalid arguments:leverage"),
        ({"reduce_only": "true"}, "EGeneral:Invalid arguments:reduce_only"),
        ({"oflags": "viqc"}, "EGeneral:Invalid arguments:oflags"),
        ({"ordertype": "market", "price": None, "oflags": "post"}, "EGeneral:Invalid arguments:oflags"),
        ({"cl_ord_id": "NOT LOWER"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": ID, "userref": "5"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"expiretm": "+2"}, "EGeneral:Invalid arguments:expiretm"),
        ({"deadline": "soon"}, "EGeneral:Invalid arguments:deadline"),
        ({"deadline": rfc3339(START_NS + 3_600 * SECOND_NS)}, "EGeneral:Invalid arguments:deadline"),
        ({"deadline": rfc3339(START_NS)}, "EService:Deadline elapsed"),
        (
            {"close[ordertype]": "limit", "close[price]": "9000.0"},
            "EGeneral:Invalid arguments:close[ordertype]",
        ),
    ],
)
def test_what_is_wrong_is_refused_and_leaves_no_trace(changes: dict[str, object], error: str) -> None:
    of = to_first_event(venue())
    before = dict(of.exchange.ledger.balances)
    assert call(of, "AddOrder", **order(**changes))["error"] == [error]
    assert not of.exchange.orders
    assert of.exchange.ledger.balances == before


def test_validate_says_what_the_order_would_be_and_stores_nothing() -> None:
    of = venue()
    assert call(of, "AddOrder", **order(validate="True"))["result"] == {
        "descr": {"order": "buy 0.01000000 XBTUSD @ limit 7900.0"}
    }
    assert not of.exchange.orders


def test_a_limit_rests_holds_its_money_and_gives_it_back() -> None:
    of = to_first_event(venue())
    txid = place(of, price="7000.0")
    held = call(of, "BalanceEx")["result"]["ZUSD"]
    assert held == {"balance": "100000.00000000", "hold_trade": "70.28002000"}
    assert call(of, "CancelOrder", txid=txid)["result"] == {"count": 1}
    assert look(of, txid)["status"] == "canceled"
    assert call(of, "BalanceEx")["result"]["ZUSD"]["hold_trade"] == "0.00000000"
    assert call(of, "CancelOrder", txid=txid)["error"] == ["EOrder:Unknown order"]
    assert call(of, "CancelOrder", txid="OAAAAA-AAAAA-AAAAAA")["error"] == ["EOrder:Invalid order"]


def test_an_early_limit_waits_for_the_bar_and_a_late_one_meets_it_at_once() -> None:
    of = venue(FALLING, QUIET)
    early = place(of)
    assert look(of, early)["status"] == "open"
    to_first_event(of)
    late = place(of)
    assert [look(of, txid)["status"] for txid in (early, late)] == ["closed", "closed"]
    assert look(of, early)["price"] == "7900.00000000"
    assert look(of, early)["fee"] == "0.31600000"


def test_from_minute_55_on_the_bar_is_its_close() -> None:
    of = venue(FALLING, QUIET)
    of.exchange.advance(START_NS + CLOSE_NS)
    txid = place(of, price="7050.0")
    assert look(of, txid)["status"] == "open"
    place(of, ordertype="market", price=None)
    assert 70_990 < of.exchange.trades[-1].ticks < 72_000


def test_a_fill_brings_its_stop_along_and_the_stop_acts_in_the_same_bar() -> None:
    of = venue(FALLING, QUIET)
    txid = place(of, **{"close[ordertype]": "stop-loss", "close[price]": "7500.0"})
    to_first_event(of)
    stop = next(each for each in of.exchange.orders.values() if each.refid == txid)
    assert (stop.status, stop.kind, stop.lots) == ("closed", "stop-loss", 1_000_000)
    assert 0 < 75_000 - of.exchange.trades[-1].ticks < 100


def test_a_stop_that_arrives_late_acts_from_the_next_bar_on() -> None:
    of = to_first_event(venue(FALLING, FALLING, QUIET))
    txid = place(of, type="sell", ordertype="stop-loss", price="7500.0")
    of.exchange.advance(START_NS + HOUR_NS)
    assert look(of, txid)["status"] == "open"
    to_first_event(of)
    assert look(of, txid)["status"] == "closed"


def test_nothing_trades_in_a_silent_bar() -> None:
    of = venue(SILENT, QUIET)
    resting, market = place(of, price="9000.0"), place(of, ordertype="market", price=None)
    to_first_event(of)
    assert look(of, resting)["status"] == "open"
    assert look(of, market)["status"] == "canceled"
    of.exchange.advance(START_NS + HOUR_NS)
    to_first_event(of)
    assert look(of, resting)["status"] == "closed"


def test_a_thin_bar_fills_a_part_and_the_next_bar_goes_on() -> None:
    thin = Bar(1, 80_000, 80_100, 79_900, 80_000, 4_000_000)
    of = to_first_event(venue(thin, thin, QUIET))
    txid = place(of, price="8000.0")
    assert (look(of, txid)["vol_exec"], look(of, txid)["misc"]) == ("0.00400000", "partial")
    assert look(of, place(of, price="8000.0"))["vol_exec"] == "0.00000000"
    of.exchange.advance(START_NS + HOUR_NS)
    to_first_event(of)
    assert look(of, txid)["vol_exec"] == "0.00800000"
    assert call(of, "CancelOrder", txid=txid)["result"]["count"] == 1
    assert (look(of, txid)["status"], len(of.exchange.trades)) == ("canceled", 2)


def test_the_bar_that_is_running_at_the_opening_gives_its_volume_once() -> None:
    of = venue(Bar(1, 80_000, 80_100, 79_900, 80_000, 1_000_000), QUIET)
    txid = place(of, type="sell", price="7000.0", volume="0.5")
    of.exchange.advance(START_NS + 30 * 60 * SECOND_NS)
    assert look(of, txid)["vol_exec"] == "0.00100000"


@pytest.mark.parametrize(("force", "filled"), [("IOC", "0.00400000"), ("FOK", "0.00000000")])
def test_what_may_not_rest_ends_at_once(force: str, filled: str) -> None:
    of = to_first_event(venue(Bar(1, 80_000, 80_100, 79_900, 80_000, 4_000_000), QUIET))
    shown = look(of, place(of, price="8000.0", timeinforce=force))
    assert (shown["status"], shown["vol_exec"]) == ("canceled", filled)


def test_a_post_only_order_that_would_cross_is_taken_and_cancelled_or_refused() -> None:
    of = to_first_event(venue())
    shown = look(of, place(of, price="8000.0", oflags="post"))
    assert (shown["status"], shown["reason"], shown["vol_exec"]) == (
        "canceled",
        "Post only order",
        "0.00000000",
    )
    of.faults.add(Rule("cross", endpoint="AddOrder"))
    assert call(of, "AddOrder", **order(price="8000.0", oflags="post"))["error"] == ["EOrder:Post only order"]
    assert look(of, place(of, price="7000.0", oflags="post"))["status"] == "open"


def test_an_order_expires_by_itself() -> None:
    of = to_first_event(venue())
    txid = place(of, price="7000.0", timeinforce="GTD", expiretm="+60")
    of.exchange.advance(of.exchange.now_ns + 59 * SECOND_NS)
    assert look(of, txid)["status"] == "open"
    of.exchange.advance(of.exchange.now_ns + SECOND_NS)
    assert look(of, txid)["status"] == "expired"


def test_a_clients_id_is_unique_among_open_orders_only() -> None:
    of = to_first_event(venue(FALLING, QUIET))
    first = place(of, price="6000.0", cl_ord_id=ID)
    again = call(of, "AddOrder", **order(cl_ord_id=ID))
    assert again["error"] == ["EGeneral:Invalid arguments:cl_ord_id not unique"]
    assert call(of, "CancelOrder", cl_ord_id=ID)["result"]["count"] == 1
    second = place(of, cl_ord_id=ID)
    found = call(of, "ClosedOrders", cl_ord_id=ID)["result"]["closed"]
    assert set(found) == {first, second}


def test_an_amended_order_keeps_its_id_and_meets_the_bar_anew() -> None:
    of = to_first_event(venue())
    txid = place(of, price="7000.0")
    refused = call(of, "AmendOrder", txid=txid, order_qty="1000")
    assert refused["error"] == ["EOrder:Insufficient funds"]
    assert look(of, txid)["vol"] == "0.01000000"
    assert call(of, "AmendOrder", txid=txid, limit_price="8000.0", order_qty="0.02")["error"] == []
    assert (look(of, txid)["status"], look(of, txid)["vol_exec"]) == ("closed", "0.02000000")


def test_the_dead_mans_switch_cancels_everything_unless_it_is_wound_again() -> None:
    of = to_first_event(venue())
    txid = place(of, price="7000.0")
    armed = call(of, "CancelAllOrdersAfter", timeout=60)["result"]
    assert armed["triggerTime"] == rfc3339(of.exchange.now_ns + 60 * SECOND_NS)
    of.exchange.advance(of.exchange.now_ns + 50 * SECOND_NS)
    call(of, "CancelAllOrdersAfter", timeout=60)
    of.exchange.advance(of.exchange.now_ns + 50 * SECOND_NS)
    assert look(of, txid)["status"] == "open"
    of.exchange.advance(of.exchange.now_ns + 10 * SECOND_NS)
    assert look(of, txid)["status"] == "canceled"


def test_a_switch_armed_before_maintenance_fires_when_the_venue_returns() -> None:
    of = to_first_event(venue())
    txid = place(of, price="7000.0")
    call(of, "CancelAllOrdersAfter", timeout=60)
    until_s = of.exchange.now_ns / SECOND_NS + 300
    of.faults.add(Rule("mode", until_s=until_s, args={"status": "maintenance"}))
    of.exchange.advance(of.exchange.now_ns + 200 * SECOND_NS)
    assert look(of, txid)["status"] == "open"
    assert call(of, "CancelOrder", txid=txid)["error"] == ["EService:Unavailable"]
    of.exchange.advance(of.exchange.now_ns + 101 * SECOND_NS)
    assert look(of, txid)["status"] == "canceled"


@pytest.mark.parametrize(
    ("mode", "changes", "error"),
    [
        ("maintenance", {}, "EService:Unavailable"),
        ("cancel_only", {}, "EService:Market in cancel_only mode"),
        ("post_only", {}, "EService:Market in post_only mode"),
        ("limit_only", {"ordertype": "market", "price": None}, "EService:Market in limit_only mode"),
        ("reduce_only", {}, "EOrder:Reduce only:Cannot open position"),
    ],
)
def test_a_mode_refuses_what_it_does_not_allow(mode: str, changes: dict[str, object], error: str) -> None:
    of = to_first_event(venue())
    of.faults.add(Rule("mode", args={"status": mode}))
    assert call(of, "AddOrder", **order(**changes))["error"] == [error]
    assert ask(of, "SystemStatus")["result"]["status"] == mode


def test_the_counters_refuse_too_many_calls_and_too_many_orders() -> None:
    of = to_first_event(venue(tier="starter"))
    answers = [call(of, "Balance")["error"] for _ in range(17)]
    assert answers[:15] == [[]] * 15
    assert answers[15:] == [["EAPI:Rate limit exceeded"]] * 2
    of.exchange.advance(of.exchange.now_ns + 60 * SECOND_NS)
    assert call(of, "Balance")["error"] == []
    placed = [call(of, "AddOrder", **order(price="7000.0", volume="0.001"))["error"] for _ in range(61)]
    assert placed[59:] == [[], ["EOrder:Rate limit exceeded"]]


@pytest.mark.parametrize(("limit", "status"), [("8009.9", "closed"), ("8010.0", "open"), ("8010.1", "open")])
def test_a_resting_sell_fills_as_maker_only_when_price_trades_through_it(limit: str, status: str) -> None:
    of = to_first_event(venue())
    shown = look(of, place(of, type="sell", price=limit))
    assert shown["status"] == status
    assert all(trade.maker and trade.ticks == trade.order.price for trade in of.exchange.trades)


def test_a_marketable_sell_trades_on_arrival_even_before_the_bar_is_played() -> None:
    of = venue()
    shown = look(of, place(of, type="sell", price="7900.0"))
    assert (shown["status"], of.exchange.trades[0].maker) == ("closed", False)
    assert 79_900 < of.exchange.trades[0].ticks < 80_000
