"""When a fault strikes, and what it does to a result; the venue's own books never change by it."""

from typing import Any

import pytest

from simulator.faults import Faults, Rule
from simulator.tape import CLOSE_NS, HOUR_NS, SECOND_NS
from tests.venue import QUIET, START_NS, ask, call, order, to_first_event, venue
from trading.errors import UsageError


def strikes(rule: Rule, calls: int = 20, endpoint: str = "AddOrder") -> list[int]:
    """The numbers of the requests that a rule strikes, one request a second."""
    faults = Faults()
    faults.add(rule)
    return [i for i in range(calls) if faults.struck(endpoint, "BTC/USD", i * SECOND_NS)]


def test_a_rule_strikes_by_count_skip_window_endpoint_and_pair() -> None:
    assert strikes(Rule("close", count=2)) == [0, 1]
    assert strikes(Rule("close", skip=3, count=1)) == [3]
    assert strikes(Rule("close", from_s=5, until_s=8)) == [5, 6, 7]
    assert strikes(Rule("close", endpoint="CancelOrder")) == []
    assert len(strikes(Rule("close", endpoint="CancelOrder,AddOrder"))) == 20
    assert strikes(Rule("close", pair="ETH/USD")) == []


def test_chance_is_seeded() -> None:
    drawn = strikes(Rule("close", probability=0.3, seed=4), 200)
    assert drawn == strikes(Rule("close", probability=0.3, seed=4), 200)
    assert drawn != strikes(Rule("close", probability=0.3, seed=5), 200)
    assert 30 < len(drawn) < 90


def test_only_the_first_rule_takes_the_replys_place() -> None:
    faults = Faults()
    for kind in ("http", "close", "warning"):
        faults.add(Rule(kind))
    assert [rule.kind for rule in faults.struck("Time", None, 0)] == ["http", "warning"]


def test_rules_are_cleared_one_by_one_or_all_together() -> None:
    faults = Faults()
    ids = [faults.add(Rule("close")) for _ in range(3)]
    assert (faults.clear(ids[1]), len(faults.rules), faults.clear(), faults.rules) == (1, 2, 2, [])


@pytest.mark.parametrize("wrong", [{"kind": "earthquake"}, {"kind": "close", "effect": "perhaps"}])
def test_a_fault_that_does_not_exist_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Rule(**wrong)


def test_an_unknown_outcome_is_known_to_the_truth_log() -> None:
    of = to_first_event(venue())
    busy = {"messages": ["EService:Busy"]}
    for effect in ("none", "applied", "late"):
        of.faults.add(Rule("error", "AddOrder", count=1, effect=effect, late_s=8, args=busy))
        assert call(of, "AddOrder", **order(price="7000.0"))["error"] == ["EService:Busy"]
        of.faults.clear()
    assert len(of.exchange.orders) == 1
    of.exchange.advance(of.exchange.now_ns + 8 * SECOND_NS)
    assert len(of.exchange.orders) == 2
    noted = [row for row in of.truth.rows if row["event"] == "request"]
    assert [(row["errors"], row["faults"][0]["effect"]) for row in noted] == [
        (["never arrived"], "none"),
        ([], "applied"),
        ([], "late"),
    ]
    assert [row["event"] for row in of.truth.rows].count("placed") == 2


def test_what_is_too_late_for_its_deadline_is_not_placed() -> None:
    of = to_first_event(venue())
    of.faults.add(Rule("silence", "AddOrder", effect="late", late_s=8))
    call(of, "AddOrder", **order(deadline="2024-01-28T01:02:05Z"))
    of.exchange.advance(of.exchange.now_ns + 60 * SECOND_NS)
    assert not of.exchange.orders
    assert of.truth.rows[-1]["errors"] != []


def test_throttled_names_a_moment_to_come() -> None:
    of = venue()
    of.faults.add(Rule("error", args={"messages": ["EService:Throttled: {soon}"]}))
    assert ask(of, "Time")["error"] == [f"EService:Throttled: {START_NS // SECOND_NS + 5}"]


def test_reads_lag_behind_orders_and_balances() -> None:
    of = to_first_event(venue())
    of.exchange.advance(of.exchange.now_ns + 60 * SECOND_NS)
    for kind in ("hidden", "lag"):
        of.faults.add(Rule(kind, "OpenOrders,QueryOrders,ClosedOrders,Balance,BalanceEx", args={"for_s": 5}))
    resting = call(of, "AddOrder", **order(price="7000.0"))["result"]["txid"][0]
    call(of, "AddOrder", **order(ordertype="market", price=None))
    assert call(of, "OpenOrders")["result"] == {"open": {}}
    assert call(of, "QueryOrders", txid=resting)["result"] == {}
    assert call(of, "Balance")["result"]["XXBT"] == "2.0000000000"
    of.exchange.advance(of.exchange.now_ns + 5 * SECOND_NS)
    assert list(call(of, "OpenOrders")["result"]["open"]) == [resting]
    assert call(of, "BalanceEx")["result"]["XXBT"]["balance"] == "2.0100000000"


def test_an_order_shows_up_as_pending_or_among_the_open_after_it_ended() -> None:
    of = to_first_event(venue())
    of.faults.add(Rule("pending", "AddOrder", args={"for_s": 3}))
    txid = call(of, "AddOrder", **order(price="7000.0"))["result"]["txid"][0]
    assert call(of, "QueryOrders", txid=txid)["result"][txid]["status"] == "pending"
    of.exchange.advance(of.exchange.now_ns + 3 * SECOND_NS)
    assert call(of, "QueryOrders", txid=txid)["result"][txid]["status"] == "open"
    call(of, "CancelOrder", txid=txid)
    of.faults.add(Rule("echo", "OpenOrders"))
    assert txid in call(of, "OpenOrders")["result"]["open"]
    assert txid in call(of, "ClosedOrders")["result"]["closed"]


def test_a_cancel_hangs_fails_or_loses_against_a_fill() -> None:
    of = to_first_event(venue())
    txids = [call(of, "AddOrder", **order(price="7000.0"))["result"]["txid"][0] for _ in range(3)]
    of.faults.add(Rule("stuck", "CancelOrder", count=1, args={"for_s": 4}))
    of.faults.add(Rule("stuck", "CancelOrder", skip=1, count=1))
    of.faults.add(Rule("race", "CancelOrder", skip=2, count=1))
    answers = [call(of, "CancelOrder", txid=txid) for txid in txids]
    assert [answer.get("result") for answer in answers] == [{"count": 1, "pending": True}] * 2 + [None]
    assert answers[2]["error"] == ["EOrder:Unknown order"]
    of.exchange.advance(of.exchange.now_ns + 4 * SECOND_NS)
    assert [of.exchange.orders[txid].status for txid in txids] == ["canceled", "open", "closed"]


def test_a_partial_fill_is_as_small_as_it_is_told() -> None:
    of = to_first_event(venue())
    of.faults.add(Rule("partial", "AddOrder", args={"share_ppm": 300_000}))
    call(of, "AddOrder", **order(price="8000.0", volume="1"))
    assert of.exchange.trades[0].lots == 30_000_000
    assert len(of.exchange.open_orders()) == 1


@pytest.mark.parametrize(
    ("how", "check"),
    [
        ("hole", lambda rows, true: len(rows) == len(true) - 1),
        ("duplicate", lambda rows, true: len(rows) == len(true) + 1),
        ("disorder", lambda rows, true: rows != true and sorted(rows) == true),
        ("revised", lambda rows, true: rows != true and [r[0] for r in rows] == [r[0] for r in true]),
        ("silent", lambda rows, true: rows[-2][6:] == ["0.00000000", 0]),
        ("alone", lambda rows, true: rows == true[-1:]),
        ("unfinished", lambda rows, true: rows == true[:-1]),
    ],
)
def test_candles_are_spoilt(how: str, check: Any) -> None:
    of = to_first_event(venue(*[QUIET] * 6))
    of.exchange.advance(START_NS + 4 * HOUR_NS)
    true = ask(of, "OHLC", pair="XBTUSD", interval="60")["result"]["XXBTZUSD"]
    of.faults.add(Rule("candles", "OHLC", args={"how": how}))
    assert check(ask(of, "OHLC", pair="XBTUSD", interval="60")["result"]["XXBTZUSD"], true)


@pytest.mark.parametrize(
    ("how", "check"),
    [
        ("crossed", lambda bid, ask: bid > ask),
        ("locked", lambda bid, ask: bid == ask),
        ("wide", lambda bid, ask: ask > bid * 1.15),
        ("empty", lambda bid, ask: ask == 0),
    ],
)
def test_the_book_is_spoilt(how: str, check: Any) -> None:
    of = to_first_event(venue())
    of.faults.add(Rule("book", args={"how": how}))
    shown = ask(of, "Ticker", pair="XBTUSD")["result"]["XXBTZUSD"]
    assert check(float(shown["b"][0]), float(shown["a"][0]))
    book = ask(of, "Depth", pair="XBTUSD")["result"]["XXBTZUSD"]
    assert check(float(book["bids"][0][0]), float(book["asks"][0][0]) if book["asks"] else 0)


def test_prices_jump_and_trades_repeat() -> None:
    of = to_first_event(venue())
    of.faults.add(Rule("price", args={"factor": "-0.5"}))
    assert ask(of, "Ticker", pair="XBTUSD")["result"]["XXBTZUSD"]["c"][0] == "-4000.00000"
    of.faults.clear()
    true = ask(of, "Trades", pair="XBTUSD")["result"]["XXBTZUSD"]
    for how, wanted in {"duplicate": len(true) + 1, "skip": len(true) - 1, "together": len(true)}.items():
        of.faults.add(Rule("prints", args={"how": how}))
        assert len(ask(of, "Trades", pair="XBTUSD")["result"]["XXBTZUSD"]) == wanted
        of.faults.clear()


def test_frozen_prices_stand_while_time_goes_on_and_skew_bends_time() -> None:
    of = to_first_event(venue(QUIET, *[type(QUIET)(1, 90_000, 90_000, 90_000, 90_000, 10**9)] * 3))
    at_s = of.exchange.now_ns // SECOND_NS
    of.faults.add(Rule("frozen", args={"at_s": at_s}))
    of.faults.add(Rule("skew", args={"seconds": 300}))
    of.exchange.advance(START_NS + HOUR_NS + CLOSE_NS)
    assert ask(of, "Ticker", pair="XBTUSD")["result"]["XXBTZUSD"]["c"][0] == "8000.00000"
    assert ask(of, "Time")["result"]["unixtime"] == of.exchange.now_ns // SECOND_NS + 300


def test_fees_and_liquidity_change_on_the_way() -> None:
    of = to_first_event(venue())
    of.faults.add(Rule("fees", args={"maker_ppm": 1_000, "taker_ppm": 2_000}))
    of.faults.add(Rule("thin", args={"share_ppm": 1_000}))
    assert call(of, "TradeVolume", pair="XBTUSD")["result"]["fees"]["XXBTZUSD"]["fee"] == "0.2000"
    call(of, "AddOrder", **order(price="8000.0", volume="1"))
    trade = of.exchange.trades[0]
    assert (trade.lots, trade.fee * 500) == (1_000_000, trade.value)


def test_a_result_is_patched_nulled_or_warned_about() -> None:
    of = venue()
    of.faults.add(
        Rule("patch", "AssetPairs", args={"result": {"XXBTZUSD": {"ordermin": "1"}, "XDGUSD": None}})
    )
    of.faults.add(Rule("warning", "AssetPairs", args={"message": "WQuery:Old"}))
    answer = ask(of, "AssetPairs")
    assert (answer["error"], answer["result"]["XXBTZUSD"]["ordermin"]) == (["WQuery:Old"], "1")
    assert "XDGUSD" not in answer["result"]
    of.faults.add(Rule("null", "Time"))
    assert ask(of, "Time") == {"error": [], "result": None}
