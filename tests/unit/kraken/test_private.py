"""Private methods: the forms that are sent, the shapes that come back, and writes that go out once."""

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from adapters.kraken.requests import AddOrder, AmendOrder, OrderRef
from trading.errors import DataError, OutcomeUnknown, UsageError, VenueUnavailable

TXID = "OU22CG-KLAF2-FWUDD7"
ID = UUID("6d1b345e-2821-40e2-ad83-4ecb18a06876")
DESCR = {
    "pair": "XBTUSD",
    "aclass": "forex",
    "type": "buy",
    "ordertype": "limit",
    "price": "37500.0",
    "price2": "0",
    "leverage": "none",
    "order": "buy 1.25 XBTUSD @ limit 37500.0",
    "close": "",
}
ORDER = {
    "refid": None,
    "userref": 0,
    "cl_ord_id": str(ID),
    "status": "open",
    "opentm": 1752768514.603174,
    "starttm": 0,
    "expiretm": 0,
    "descr": DESCR,
    "vol": "1.25000000",
    "vol_exec": "0.37500000",
    "cost": "14062.50000",
    "fee": "56.25000",
    "price": "37500.0",
    "stopprice": "0.00000",
    "limitprice": "0.00000",
    "misc": "partial",
    "oflags": "fciq",
    "trades": ["TCCCTY-WJ6EO-4FP4VZ"],
}
FILL = {
    "ordertxid": TXID,
    "postxid": "TKH2SE-M7IF5-CFI7LT",
    "pair": "XXBTZUSD",
    "time": 1688585840.8921,
    "type": "buy",
    "ordertype": "limit",
    "price": "29500.50",
    "cost": "14750.25",
    "fee": "23.60",
    "vol": "0.50000000",
    "margin": "0.00000",
    "misc": "",
    "trade_id": 1001,
    "maker": True,
}
ENTRY = {
    "refid": "TCCCTY-WJ6EO-4FP4VZ",
    "time": 1688464484.1787,
    "type": "trade",
    "subtype": "",
    "aclass": "currency",
    "asset": "ZUSD",
    "amount": "-24.5000",
    "fee": "0.0490",
    "balance": "459567.9171",
}


def limit_order(clock: Any, **changes: Any) -> AddOrder:
    terms: dict[str, Any] = {
        "pair": "XXBTZUSD",
        "side": "buy",
        "kind": "limit",
        "volume": Decimal("1.25"),
        "price": Decimal("37500.0"),
        "cl_ord_id": ID,
        "deadline": clock.now() + timedelta(seconds=8),
    }
    return AddOrder(**(terms | changes))


def test_balances_know_what_is_free(private: Any, kraken: Any) -> None:
    kraken.says("BalanceEx", {"ZUSD": {"balance": "100.5", "hold_trade": "40.25"}, "XXBT": {"balance": "1"}})
    held = private.balances()
    assert (held["ZUSD"].available, held["XXBT"].available) == (Decimal("60.25"), Decimal(1))
    assert int(kraken.asked[0][1]["nonce"]) > 0


def test_orders_come_by_txid_with_their_numbers(private: Any, kraken: Any, clock: Any) -> None:
    closed = ORDER | {
        "status": "canceled",
        "reason": "User requested",
        "closetm": 1752768899.33,
        "refid": "None",
    }
    kraken.says("OpenOrders", {"open": {TXID: ORDER}})
    kraken.says("ClosedOrders", {"closed": {TXID: closed}, "count": 1})
    kraken.says("QueryOrders", {TXID: ORDER})
    order = private.open_orders(ID)[TXID]
    assert (order.vol_exec, order.is_over, order.cl_ord_id) == (Decimal("0.375"), False, str(ID))
    over = private.closed_orders(clock.now(), ID, offset=50)[TXID]
    assert (over.is_over, over.refid, over.reason) == (True, None, "User requested")
    assert private.query_orders([TXID])[TXID].trades == ("TCCCTY-WJ6EO-4FP4VZ",)
    asked = [{k: v for k, v in sent.items() if k != "nonce"} for _, sent in kraken.asked]
    start = str(int(clock.now().timestamp()))
    assert asked == [
        {"trades": "true", "cl_ord_id": str(ID)},
        {"trades": "true", "cl_ord_id": str(ID), "start": start, "ofs": "50"},
        {"txid": TXID, "trades": "true", "consolidate_taker": "false"},
    ]


def test_fills_are_asked_for_one_by_one(private: Any, kraken: Any, clock: Any) -> None:
    kraken.says("TradesHistory", {"trades": {"TCCCTY": FILL}, "count": 1})
    kraken.says("QueryTrades", {"TCCCTY": FILL})
    kraken.says("Ledgers", {"ledger": {"L4UESK": ENTRY}, "count": 1})
    fill = private.trades_history(clock.now()).trades["TCCCTY"]
    assert kraken.asked[0][1]["consolidate_taker"] == "false"
    assert (fill.fee, fill.maker, fill.pair) == (Decimal("23.60"), True, "XXBTZUSD")
    assert private.query_trades(["TCCCTY"]) == {"TCCCTY": fill}
    assert private.ledgers(clock.now()).ledger["L4UESK"].amount == Decimal("-24.5")


@pytest.mark.parametrize("count", [0, 51])
def test_too_many_or_no_ids_are_refused_here(private: Any, count: int) -> None:
    with pytest.raises(UsageError, match="ask for 1 to"):
        private.query_orders([TXID] * count)


def test_a_limit_entry_says_all_that_protects_it(private: Any, kraken: Any, clock: Any) -> None:
    kraken.says("AddOrder", {"descr": {"order": "…"}, "txid": [TXID]})
    expires = clock.now() + timedelta(minutes=56)
    order = limit_order(clock, expires=expires, stop=Decimal("3.5E+4"), post_only=True)
    assert private.add_order(order).txid == (TXID,)
    (sent,) = [sent for _, sent in kraken.asked]
    assert int(sent.pop("nonce")) > 0
    assert sent == {
        "pair": "XXBTZUSD",
        "type": "buy",
        "ordertype": "limit",
        "volume": "1.25",
        "price": "37500.0",
        "cl_ord_id": str(ID),
        "deadline": "2026-11-01T12:00:08.000Z",
        "oflags": "fciq,post",
        "timeinforce": "GTD",
        "expiretm": str(int(expires.timestamp())),
        "close[ordertype]": "stop-loss",
        "close[price]": "35000",
    }


def test_market_orders_and_stops(private: Any, kraken: Any, clock: Any) -> None:
    kraken.says("AddOrder", {"txid": [TXID]})
    private.add_order(limit_order(clock, kind="market", price=None, side="sell"))
    private.add_order(limit_order(clock, kind="stop-loss", side="sell"))
    assert [(s["ordertype"], s.get("price")) for _, s in kraken.asked] == [
        ("market", None),
        ("stop-loss", "37500.0"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"volume": Decimal(0)},
        {"price": None},
        {"kind": "market"},
        {"price": Decimal("-1")},
        {"kind": "stop-loss", "post_only": True},
        {"kind": "stop-loss", "expires": None, "stop": Decimal(0)},
        {"side": "sell", "stop": Decimal(1)},
    ],
)
def test_orders_that_make_no_sense_cannot_be_made(clock: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="nothing was sent"):
        limit_order(clock, **changes)


def test_no_request_can_speak_of_leverage() -> None:
    names = {field.name for kind in (AddOrder, AmendOrder, OrderRef) for field in fields(kind)}
    assert not {name for name in names if "lever" in name or "margin" in name or "reduce" in name}
    with pytest.raises(TypeError):
        AddOrder(leverage="2")  # type: ignore[call-arg]


@pytest.mark.parametrize("left_s", [-5, 1, 61])
def test_a_deadline_that_the_venue_would_not_take_is_refused_before_sending(
    private: Any, kraken: Any, clock: Any, left_s: int
) -> None:
    order = limit_order(clock, deadline=clock.now() + timedelta(seconds=left_s))
    with pytest.raises(UsageError if left_s > 60 else VenueUnavailable):
        private.add_order(order)
    assert not kraken.asked


def test_an_order_that_would_wait_past_its_deadline_is_not_sent(
    private: Any, kraken: Any, clock: Any
) -> None:
    kraken.says("AddOrder", {"txid": [TXID]})
    for _ in range(180):
        private.add_order(limit_order(clock))
    private.add_order(limit_order(clock))
    assert 0.2 < clock.slept < 0.4, "one place frees in 1/3.75 s"
    kraken.says("CancelOrder", {"count": 1})
    private.cancel_order(OrderRef(pair="XXBTZUSD", txid=TXID))
    with pytest.raises(VenueUnavailable, match="own pace"):
        private.add_order(limit_order(clock, deadline=clock.now() + timedelta(seconds=2.1)))
    assert kraken.count("AddOrder") == 181


@pytest.mark.parametrize("result", [{}, {"txid": []}, {"txid": "O"}, {"descr": {}}, [], "x"])
def test_an_order_answer_without_an_id_leaves_the_outcome_unknown(
    private: Any, kraken: Any, clock: Any, result: Any
) -> None:
    kraken.says("AddOrder", httpx.Response(200, json={"error": [], "result": result}))
    with pytest.raises(OutcomeUnknown):
        private.add_order(limit_order(clock))
    assert kraken.count("AddOrder") == 1


def test_amendments_and_cancels_name_the_order_one_way(private: Any, kraken: Any, clock: Any) -> None:
    kraken.says("AmendOrder", {"amend_id": "TTW6PD-RC36L-ZZSWNU"})
    kraken.says("CancelOrder", {"count": 1, "pending": True})
    ours = OrderRef(pair="XXBTZUSD", cl_ord_id=ID, age_s=100)
    deadline = clock.now() + timedelta(seconds=8)
    amendment = AmendOrder(order=ours, deadline=deadline, volume=Decimal("1.5"), limit=Decimal("37000"))
    assert private.amend_order(amendment).amend_id == "TTW6PD-RC36L-ZZSWNU"
    cancelled = private.cancel_order(OrderRef(pair="XXBTZUSD", txid=TXID))
    assert (cancelled.count, cancelled.pending) == (1, True)
    amended, dropped = ({k: v for k, v in sent.items() if k != "nonce"} for _, sent in kraken.asked)
    assert amended == {
        "cl_ord_id": str(ID),
        "order_qty": "1.5",
        "limit_price": "37000",
        "deadline": "2026-11-01T12:00:08.000Z",
    }
    assert dropped == {"txid": TXID}
    for wrong in ({}, {"txid": TXID, "cl_ord_id": ID}, {"txid": "12345"}):
        with pytest.raises(UsageError, match="nothing was sent"):
            OrderRef(pair="XXBTZUSD", **wrong)
    with pytest.raises(UsageError, match="positive volume, limit or trigger"):
        AmendOrder(order=ours, deadline=deadline)


def test_the_switches_over_all_orders(private: Any, kraken: Any) -> None:
    kraken.says("CancelAll", {"count": 4})
    kraken.says(
        "CancelAllOrdersAfter",
        {"currentTime": "2026-03-24T17:41:56Z", "triggerTime": "2026-03-24T17:42:56Z"},
    )
    assert private.cancel_all().count == 4
    assert private.cancel_all_orders_after(60).trigger == "2026-03-24T17:42:56Z"
    with pytest.raises(UsageError, match="choose 0 to"):
        private.cancel_all_orders_after(86_400)


def test_a_read_of_another_shape_is_a_data_error(private: Any, kraken: Any) -> None:
    kraken.says("OpenOrders", {"open": {TXID: ORDER | {"status": "molten"}}})
    with pytest.raises(DataError, match="OpenOrders"):
        private.open_orders()
