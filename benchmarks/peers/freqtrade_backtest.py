"""freqtrade's own `backtesting` command on the workload: `freqtrade_backtest.py WORK [--prepare]`.

Only the exchange's list of markets is made up, because freqtrade would ask the exchange for it. `loop` is its
`Backtesting.backtest`; the rest of the process is loading, signals, statistics and the printed tables.
"""

import json
import os
import sys
import time
from pathlib import Path

import measure
import workload

WORK = Path(sys.argv[1])
USER = WORK / "freqtrade"
CANDLES = USER / "data" / "binance"
BASES = workload.BASES[: workload.ASSETS]
PAIRS = [f"{base}/USDT" for base in BASES]
TIMERANGE = "20220101-20241231"


def prepare() -> None:
    """Candles and folders as freqtrade keeps them; a candle is named by its open."""
    import pandas as pd

    panel = workload.load(WORK).traded()
    for name in (
        "strategies",
        "backtest_results",
        "hyperopts",
        "hyperopt_results",
        "logs",
        "notebooks",
        "plot",
    ):
        (USER / name).mkdir(parents=True, exist_ok=True)
    CANDLES.mkdir(parents=True, exist_ok=True)
    dates = pd.DatetimeIndex(workload.times(workload.HOURS)).tz_localize("UTC")
    for a, base in enumerate(BASES):
        columns = {name: getattr(panel, name)[:, a] for name in ("open", "high", "low", "close", "volume")}
        frame = pd.DataFrame({"date": dates, **columns})
        frame.to_feather(CANDLES / f"{base}_USDT-1h.feather", compression="lz4", compression_level=9)
    (USER / "config.json").write_text(json.dumps(configuration()))


def configuration() -> dict[str, object]:
    price = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "max_open_trades": workload.POSITIONS,
        "stake_currency": "USDT",
        "stake_amount": "unlimited",
        "tradable_balance_ratio": 0.99,
        "fiat_display_currency": "",
        "dry_run": True,
        "dry_run_wallet": workload.CASH,
        "timeframe": "1h",
        "trading_mode": "spot",
        "entry_pricing": price,
        "exit_pricing": price,
        "exchange": {
            "name": "binance",
            "key": "",
            "secret": "",
            "pair_whitelist": PAIRS,
            "pair_blacklist": [],
        },
        "pairlists": [{"method": "StaticPairList"}],
        "fee": workload.FEE + workload.SLIPPAGE,
    }


def listed(base: str) -> dict[str, object]:
    """One market in the form of ccxt."""
    nothing = {"min": None, "max": None}
    return {
        **{"id": f"{base}USDT", "symbol": f"{base}/USDT", "base": base, "quote": "USDT"},
        **{"active": True, "type": "spot", "spot": True, "margin": False, "swap": False, "future": False},
        **{"option": False, "contract": False, "linear": None, "contractSize": None, "info": {}},
        **{"taker": 0.001, "maker": 0.001, "precision": {"amount": 1e-8, "price": 1e-8}},
        "limits": {
            **{"price": nothing, "leverage": nothing},
            **{"amount": {"min": 1e-8, "max": None}, "cost": {"min": 1.0, "max": None}},
        },
    }


def backtest() -> None:
    from freqtrade.exchange import Exchange
    from freqtrade.main import main
    from freqtrade.optimize.backtesting import Backtesting

    markets, figures, whole = {f"{base}/USDT": listed(base) for base in BASES}, {}, Backtesting.backtest

    def offline(exchange, *_, **__):
        exchange._markets = markets
        exchange._api.set_markets(markets)
        exchange._api_async.set_markets(markets)
        exchange._last_markets_refresh = int(time.time() * 1000)

    def timed(*arguments, **named):
        cpu, wall = time.process_time(), time.perf_counter()
        found = whole(*arguments, **named)
        figures["loop_cpu_s"], figures["loop_wall_s"] = time.process_time() - cpu, time.perf_counter() - wall
        figures["fills"], figures["final_equity"] = 2 * len(found["results"]), float(found["final_balance"])
        return found

    Exchange.reload_markets, Backtesting.backtest = offline, timed
    os.environ["WORK"] = str(WORK)
    command = ["backtesting", "-c", str(USER / "config.json"), "--userdir", str(USER), "-s", "Scored"]
    command += ["--strategy-path", str(Path(__file__).parent), "--timerange", TIMERANGE]
    try:
        main([*command, "--cache", "none", "--export", "none"])
    except SystemExit as stop:
        if stop.code:
            raise
    measure.report(figures)


if __name__ == "__main__":
    prepare() if sys.argv[2:] == ["--prepare"] else backtest()
