"""The public endpoints: `/0/public/<Name>`, each a function of the market data and the query."""

from collections.abc import Callable
from datetime import UTC, datetime

from simulator.catalogue import Asset, Pair
from simulator.market import CANDLES, MarketData
from simulator.protocol import Params, Refusal, Result, lots_text, names, number, price_text, rfc3339, text
from simulator.tape import HOUR_NS, SECOND_NS
from trading.clock import DAY_H
from trading.instruments import UNITS

INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
TRADES_MAX = 1_000
LEVELS = 100
SPREADS = 200


def time(data: MarketData, _: Params) -> Result:
    skew = data.exchange.faults.state("skew", None, data.exchange.now_ns)
    unix_s = data.exchange.now_ns // SECOND_NS + (int(skew.args["seconds"]) if skew else 0)
    return {
        "unixtime": unix_s,
        "rfc1123": datetime.fromtimestamp(unix_s, UTC).strftime("%a, %e %b %y %H:%M:%S +0000"),
    }


def system_status(data: MarketData, _: Params) -> Result:
    return {"status": data.exchange.mode(None), "timestamp": rfc3339(data.exchange.now_ns)}


def assets(data: MarketData, params: Params) -> Result:
    catalogue = data.exchange.catalogue
    wanted = [(name, catalogue.asset(name)) for name in names(params, "asset")]
    missing = [name for name, asset in wanted if asset is None]
    if missing:
        raise Refusal("EQuery:Unknown asset")
    return {asset.id: _asset(asset) for asset in ([a for _, a in wanted if a] or catalogue.assets.values())}


def _asset(asset: Asset) -> Result:
    return {
        "aclass": "currency",
        "altname": asset.altname,
        "decimals": asset.decimals,
        "display_decimals": asset.display_decimals,
        "status": "enabled",
    }


def asset_pairs(data: MarketData, params: Params) -> Result:
    return {key: _pair(data, pair) for key, pair in _pairs(data, params)}


def _pair(data: MarketData, pair: Pair) -> Result:
    instrument = pair.instrument
    return {
        "altname": pair.altname,
        "wsname": pair.wsname,
        "aclass_base": "currency",
        "base": pair.base.id,
        "aclass_quote": "currency",
        "quote": pair.quote.id,
        "lot": "unit",
        "cost_decimals": pair.cost_decimals,
        "pair_decimals": pair.price_decimals,
        "lot_decimals": instrument.lot_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        # Empty since September 2026, which never means free: TradeVolume knows the fee.
        "fees": [],
        "fees_maker": [],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": _short(instrument.order_min_lots, instrument.lot_decimals),
        "costmin": _short(instrument.cost_min_e8, 8),
        "tick_size": _short(instrument.tick_e8, 8),
        "status": data.status(pair),
        "execution_venue": "international",
    }


def _short(units: int, scale: int) -> str:
    return text(units, scale, scale).rstrip("0").rstrip(".")


def ticker(data: MarketData, params: Params) -> Result:
    rows = {}
    for key, pair in _pairs(data, params):
        a = data.column(pair)
        if a is not None and data.reference(a):
            rows[key] = _ticker(data, pair, a)
        elif "pair" in params:
            raise Refusal("EQuery:Unknown asset pair")
    return rows


def _ticker(data: MarketData, pair: Pair, a: int) -> Result:
    now, digits = data.now_ns, max(pair.cost_decimals, pair.price_decimals)
    midnight = now // (DAY_H * HOUR_NS) * DAY_H * HOUR_NS
    last_day = data.day(a, now - DAY_H * HOUR_NS)
    today = data.day(a, midnight - 1)
    bid, ask = data.touch(a)
    lot = pair.instrument.lots_per_unit
    last, both = data.reference(a), (today, last_day)

    def price(ticks: int) -> str:
        return price_text(pair, ticks, digits)

    return {
        "a": [price(ask), "1", "1.000"],
        "b": [price(bid), "1", "1.000"],
        "c": [price(last), lots_text(pair, lot)],
        "v": [lots_text(pair, day.volume if day else 0) for day in both],
        "p": [price(day.vwap if day else last) for day in both],
        "t": [day.trades if day else 0 for day in both],
        "l": [price(day.low if day else last) for day in both],
        "h": [price(day.high if day else last) for day in both],
        "o": price(today.open if today else last),
    }


def ohlc(data: MarketData, params: Params) -> Result:
    key, pair, a = _one(data, params)
    minutes, since_s = number(params, "interval", 1), number(params, "since", 0)
    if minutes not in INTERVALS:
        raise Refusal("EGeneral:Invalid arguments:interval")
    candles = data.candles(a, minutes)[-CANDLES - 1 :]
    # The running candle comes whatever `since` says.
    shown = [row for row in candles if row.time_s >= since_s] or candles[-1:]
    rows = [
        [
            row.time_s,
            *(price_text(pair, ticks) for ticks in (row.open, row.high, row.low, row.close, row.vwap)),
            lots_text(pair, row.volume),
            row.trades,
        ]
        for row in shown
    ]
    last = candles[-2].time_s if len(candles) > 1 else 0
    return {key: rows, "last": last}


def depth(data: MarketData, params: Params) -> Result:
    """A made-up book: every level a spread further out, each with a share of what the bar may fill."""
    key, pair, a = _priced(data, params)
    levels = min(number(params, "count", 100), LEVELS)
    bid, ask = data.touch(a)
    step = max(1, ask - bid)
    volume = lots_text(pair, max(1, data.exchange.scenery(a, data.now_ns).bar.volume // LEVELS))
    digits, now_s = max(pair.cost_decimals, pair.price_decimals), data.now_ns // SECOND_NS
    asks = [[price_text(pair, ask + k * step, digits), volume, now_s] for k in range(levels)]
    bids = [
        [price_text(pair, bid - k * step, digits), volume, now_s] for k in range(levels) if bid > k * step
    ]
    return {key: {"asks": asks, "bids": bids}}


def trades(data: MarketData, params: Params) -> Result:
    key, pair, a = _one(data, params)
    limit = min(max(number(params, "count", TRADES_MAX), 1), TRADES_MAX)
    since = number(params, "since", 0)
    # Both seconds and nanoseconds are accepted.
    since_ns = since if since > UNITS * UNITS // 10 else since * SECOND_NS
    if "since" in params:
        found = []
        for each in data.prints(a, since_ns):
            found.append(each)
            if len(found) == limit:
                break
    else:
        found = list(data.prints(a, data.now_ns - limit * HOUR_NS))[-limit:]
    rows = [
        [
            price_text(pair, each.ticks, max(pair.cost_decimals, pair.price_decimals)),
            lots_text(pair, each.lots),
            each.time_ns / SECOND_NS,
            "b" if each.number % 2 else "s",
            "l",
            "",
            each.number,
        ]
        for each in found
    ]
    return {key: rows, "last": str(found[-1].time_ns if found else since_ns)}


def spread(data: MarketData, params: Params) -> Result:
    key, pair, a = _priced(data, params)
    now_s, (bid, ask) = data.now_ns // SECOND_NS, data.touch(a)
    half = (ask - bid) // 2
    found = list(data.prints(a, data.now_ns - SPREADS * HOUR_NS))[1 - SPREADS :]
    rows = [(each.time_ns // SECOND_NS, max(1, each.ticks - half), each.ticks + half) for each in found]
    digits = max(pair.cost_decimals, pair.price_decimals)
    return {
        key: [
            [time_s, price_text(pair, low, digits), price_text(pair, high, digits)]
            for time_s, low, high in (*rows, (now_s, bid, ask))
            if time_s >= number(params, "since", 0)
        ],
        "last": now_s,
    }


def _pairs(data: MarketData, params: Params) -> list[tuple[str, Pair]]:
    """Every pair asked for with the key of its result; all when none is named."""
    catalogue = data.exchange.catalogue
    if not params.get("pair"):
        return list(catalogue.pairs.items())
    return [_found(data, spelling) for spelling in names(params, "pair")]


def _found(data: MarketData, spelling: str) -> tuple[str, Pair]:
    pair = data.exchange.catalogue.pair(spelling)
    if pair is None:
        raise Refusal("EQuery:Unknown asset pair")
    # A name with a slash is echoed, any other comes back as the id.
    return (spelling if "/" in spelling else pair.id), pair


def _one(data: MarketData, params: Params) -> tuple[str, Pair, int]:
    """The one pair of a query and its column; a pair that has not traded here is unknown."""
    key, pair = _found(data, str(params.get("pair", "")))
    a = data.column(pair)
    if a is None or not (data.reference(a) or data.has_traded(a)):
        raise Refusal("EQuery:Unknown asset pair")
    return key, pair, a


def _priced(data: MarketData, params: Params) -> tuple[str, Pair, int]:
    """The same of a pair that has a book: one that fell silent shows its candles and trades alone."""
    key, pair, a = _one(data, params)
    if not data.reference(a):
        raise Refusal("EQuery:Unknown asset pair")
    return key, pair, a


ENDPOINTS: dict[str, Callable[[MarketData, Params], Result]] = {
    "Time": time,
    "SystemStatus": system_status,
    "Assets": assets,
    "AssetPairs": asset_pairs,
    "Ticker": ticker,
    "OHLC": ohlc,
    "Depth": depth,
    "Trades": trades,
    "Spread": spread,
}
