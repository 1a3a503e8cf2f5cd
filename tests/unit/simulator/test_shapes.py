"""Kraken's shapes and types, key by key, beside replies that Kraken really gave."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from simulator.protocol import from_rfc3339, rfc3339, text
from simulator.tape import CLOSE_NS, HOUR_NS, SECOND_NS
from simulator.venue import Venue
from tests.venue import FIRST, QUIET, START_NS, ask, call, order, to_first_event, venue
from trading.backtest.matching import Bar
from trading.clock import HOUR_S

LATER_FIELDS = {"execution_venue", "aclass", "trade_id", "maker", "leverage"}
"""Fields that Kraken has added since the recordings, or leaves out now and then."""
SOMETIMES = {"long_position_limit", "short_position_limit", "ml", "txid", "price", "cl_ord_id", "ledgers"}
MOVING = Bar(1, 80_000, 81_000, 79_000, 80_500, 1_000_000_003)


def busy() -> Venue:
    """A venue with an order of every fate."""
    of = to_first_event(venue(QUIET, MOVING, QUIET, QUIET))
    call(of, "AddOrder", **order(price="7000.0"))
    call(of, "AddOrder", **order(price="8000.0", userref="7"))
    txid = call(of, "AddOrder", **order(price="7100.0"))["result"]["txid"][0]
    call(of, "CancelOrder", txid=txid)
    return of


def same_shape(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """What differs in keys and types of two JSON values; objects by id are compared by their first row."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if theirs and all(re.fullmatch(r"[OTL0-9A-Z-]{6,}", key) for key in theirs):
            ours, theirs = {"*": next(iter(ours.values()))}, {"*": next(iter(theirs.values()))}
        odd = [f"{where}.{key} is missing" for key in theirs.keys() - ours.keys() - SOMETIMES]
        odd += [
            f"{where}.{key} is ours alone" for key in ours.keys() - theirs.keys() - LATER_FIELDS - SOMETIMES
        ]
        for key in sorted(ours.keys() & theirs.keys()):
            odd += same_shape(ours[key], theirs[key], f"{where}.{key}")
        return odd
    if isinstance(theirs, list) and isinstance(ours, list):
        pairs = zip(ours, theirs, strict=False)
        return [line for i, (a, b) in enumerate(pairs) for line in same_shape(a, b, f"{where}[{i}]")][:5]
    if ours is None or theirs is None:
        return []
    number = (int, float)
    kinds = [number if isinstance(x, number) else type(x) for x in (ours, theirs)]
    return [] if kinds[0] == kinds[1] else [f"{where}: {ours!r} is not like {theirs!r}"]


def recorded(market_data: Path, name: str) -> Any:
    return json.loads((market_data / "kraken" / "rest" / f"{name}.json").read_text())["result"]


@pytest.mark.parametrize(
    ("endpoint", "recording"),
    [
        ("Time", "http_server_time"),
        ("SystemStatus", "http_system_status"),
        ("Ticker", "http_ticker"),
        ("OHLC", "http_ohlc"),
        ("Depth", "http_order_book"),
        ("Trades", "http_trades"),
        ("AssetPairs", "http_asset_pairs"),
    ],
)
def test_public_replies_look_like_recorded_ones(market_data: Path, endpoint: str, recording: str) -> None:
    of = busy()
    theirs = recorded(market_data, recording)
    params = {} if endpoint in ("Time", "SystemStatus") else {"pair": "XBTUSD"}
    ours = ask(of, endpoint, **params)["result"]
    keyed = {"XXBTZUSD" if key == "XBTUSDT" else key: value for key, value in theirs.items()}
    assert same_shape(ours, keyed) == []


@pytest.mark.parametrize(
    ("endpoint", "recording"),
    [
        ("OpenOrders", "http_open_orders"),
        ("ClosedOrders", "http_closed_orders"),
        ("TradesHistory", "http_trades_history"),
        ("TradeBalance", "http_spot_trade_balance"),
    ],
)
def test_private_replies_look_like_recorded_ones(market_data: Path, endpoint: str, recording: str) -> None:
    ours = call(busy(), endpoint, ledgers="true")["result"]
    odd = same_shape(ours, recorded(market_data, recording))
    # The recordings were shortened by hand: our rows say more, never less.
    assert [line for line in odd if not line.endswith("ours alone")] == []


def test_the_catalogue_agrees_with_the_recorded_pair_list(market_data: Path) -> None:
    theirs = json.loads((market_data / "kraken" / "rest" / "AssetPairs.json").read_text())
    theirs = theirs.get("result", theirs)
    ours = ask(venue(), "AssetPairs")["result"]
    assert len(ours) >= 50
    fields = (
        "altname",
        "wsname",
        "base",
        "quote",
        "pair_decimals",
        "cost_decimals",
        "lot_decimals",
        "tick_size",
    )
    for id, row in ours.items():
        if id in theirs:
            assert {f: row[f] for f in fields} == {f: theirs[id][f] for f in fields}
    assert len(ours.keys() - theirs.keys()) <= 3


def test_ids_have_krakens_form() -> None:
    of = busy()
    trade = of.exchange.trades[0]
    assert re.fullmatch(r"O[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}", trade.order.txid)
    assert (trade.txid[0], trade.ledgers[0][0]) == ("T", "L")


def test_a_pair_answers_to_three_names_and_not_to_the_old_sockets() -> None:
    of = venue()
    keys = [list(ask(of, "Ticker", pair=name)["result"]) for name in ("XBTUSD", "XXBTZUSD", "BTC/USD")]
    assert keys == [["XXBTZUSD"], ["XXBTZUSD"], ["BTC/USD"]]
    assert ask(of, "Ticker", pair="XBT/USD") == {"error": ["EQuery:Unknown asset pair"]}


def test_candles_end_with_the_running_one_and_repeat_the_close_over_a_gap() -> None:
    silent = Bar(0, 80_000, 80_000, 80_000, 80_000, 0)
    of = venue(MOVING, silent, MOVING, QUIET)
    of.exchange.advance(START_NS + 3 * HOUR_NS + CLOSE_NS)
    result = ask(of, "OHLC", pair="XBTUSD", interval=60)["result"]
    rows, first = result["XXBTZUSD"], (FIRST - 1) * HOUR_S
    assert [row[0] for row in rows] == [first + i * HOUR_S for i in range(6)]
    assert result["last"] == rows[-2][0]
    assert rows[2][1:5] == ["8000.0", "8100.0", "7900.0", "8050.0"]
    assert rows[2][6:] == ["10.00000003", 4]
    assert rows[3] == [first + 3 * HOUR_S, "8050.0", "8050.0", "8050.0", "8050.0", "0.0", "0.00000000", 0]
    daily = ask(of, "OHLC", pair="XBTUSD", interval=1440, since=first)["result"]["XXBTZUSD"]
    assert daily[-1][2:4] == ["8100.0", "7900.0"]


def test_nothing_public_tells_of_the_time_to_come() -> None:
    one, other = (
        venue(MOVING, Bar(1, 80_500, *rest)) for rest in ((99_000, 100, 200, 9), (80_600, 80_400, 80_500, 5))
    )
    for of in (one, other):
        of.exchange.advance(START_NS + HOUR_NS + 1_000 * SECOND_NS)
    for endpoint in ("Ticker", "OHLC", "Trades", "Spread"):
        answers = [ask(of, endpoint, pair="XBTUSD", interval=60)["result"] for of in (one, other)]
        if endpoint == "OHLC":
            answers = [{"rows": [row[:6] for row in a["XXBTZUSD"]]} for a in answers]
        if endpoint == "Ticker":
            answers = [{key: a["XXBTZUSD"][key] for key in ("a", "b", "c", "l", "h", "o")} for a in answers]
        if endpoint == "Trades":
            answers = [{"rows": [row[:1] + row[2:] for row in a["XXBTZUSD"]]} for a in answers]
        assert answers[0] == answers[1]


def test_trades_walk_the_whole_history_and_rebuild_the_hours() -> None:
    of = venue(MOVING, MOVING, QUIET)
    of.exchange.advance(START_NS + 2 * HOUR_NS)
    seen: list[list[Any]] = []
    since = "0"
    while True:
        page = ask(of, "Trades", pair="XBTUSD", since=since, count=3)["result"]
        if not page["XXBTZUSD"]:
            break
        seen, since = seen + page["XXBTZUSD"], page["last"]
    assert [row[6] for row in seen] == sorted({row[6] for row in seen})
    hour = [row for row in seen if START_NS <= row[2] * SECOND_NS < START_NS + HOUR_NS]
    prices = [float(row[0]) for row in hour]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (8000.0, 8100.0, 7900.0, 8050.0)
    assert sum(round(float(row[1]) * 10**8) for row in hour) == MOVING.volume


@pytest.mark.parametrize(
    ("units", "scale", "digits", "shown"),
    [
        (12345, 3, 2, "12.35"),
        (-5, 1, 0, "-1"),
        (7, 2, 4, "0.0700"),
        (0, 8, 8, "0.00000000"),
        (149, 2, 1, "1.5"),
    ],
)
def test_numbers_are_written_exactly(units: int, scale: int, digits: int, shown: str) -> None:
    assert text(units, scale, digits) == shown


def test_times_go_there_and_back() -> None:
    assert from_rfc3339(rfc3339(START_NS)) == START_NS
    with pytest.raises(ValueError, match="zone"):
        from_rfc3339("2024-01-01T00:00:00")


def test_histories_come_in_pages_newest_first() -> None:
    of = to_first_event(venue())
    for _ in range(60):
        call(of, "AddOrder", **order(ordertype="market", price=None, volume="0.001"))
        of.exchange.advance(of.exchange.now_ns + SECOND_NS)
    first = call(of, "TradesHistory")["result"]
    second = call(of, "TradesHistory", ofs=50)["result"]
    assert (first["count"], len(first["trades"]), len(second["trades"])) == (60, 50, 10)
    times = [row["time"] for row in [*first["trades"].values(), *second["trades"].values()]]
    assert times == sorted(times, reverse=True)
    since = times[9]
    assert len(call(of, "TradesHistory", start=since)["result"]["trades"]) == 9
    between = {"start": list(second["trades"])[-1], "end": next(iter(first["trades"]))}
    assert call(of, "TradesHistory", **between)["result"]["count"] == 59
    assert call(of, "TradesHistory", start="yesterday")["error"] == ["EGeneral:Invalid arguments:start"]
    assert len(call(of, "ClosedOrders", end=since)["result"]["closed"]) == 50
    ledger = call(of, "Ledgers", asset="ZUSD", type="trade")["result"]
    assert ledger["count"] == 60
    txids = list(first["trades"])[:3]
    assert list(call(of, "QueryTrades", txid=",".join(txids))["result"]) == txids[::-1]
    assert call(of, "QueryTrades", txid="TAAAAA-AAAAA-AAAAAA")["error"] == ["EGeneral:Invalid arguments:txid"]
    assert call(of, "OpenPositions")["result"] == {}


def test_fees_come_from_trade_volume_alone() -> None:
    of = venue()
    assert ask(of, "AssetPairs", pair="XBTUSD")["result"]["XXBTZUSD"]["fees"] == []
    volume = call(of, "TradeVolume", pair="XBTUSD", fee_schedule="true")["result"]
    assert (volume["fees"]["XXBTZUSD"]["fee"], volume["fees_maker"]["XXBTZUSD"]["fee"]) == (
        "0.4000",
        "0.4000",
    )
    assert volume["schedules"][0]["tiers"][0]["active"] is True
    assert call(of, "TradeVolume", fee_schedule="True")["error"] == ["EGeneral:Invalid arguments"]
