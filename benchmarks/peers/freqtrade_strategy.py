"""The workload's rules as a freqtrade strategy, loaded by freqtrade itself.

Not expressed, because freqtrade has no place for it: slippage (the fee carries it), best score first (pairs
come in list order), exposure and drawdown of marked equity (its wallet knows realised money), flattening on
drawdown.
"""
# ruff: noqa: ARG002

import os
from pathlib import Path

import numpy as np
import workload
from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy


class Scored(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1h"
    startup_candle_count = 0
    use_exit_signal = True
    stoploss = -workload.STOP
    minimal_roi = {"0": workload.TARGET, str(60 * workload.HOLD_H): -1}  # noqa: RUF012
    order_types = {  # noqa: RUF012
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }
    peak = workload.CASH

    def populate_indicators(self, dataframe, metadata):
        column = workload.BASES.index(metadata["pair"].split("/")[0])
        score = np.load(Path(os.environ["WORK"]) / "score.npy", mmap_mode="r")
        dataframe["score"] = score[workload.WARM_UP_H :, column][: len(dataframe)]
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["score"] > workload.ENTER, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["score"] < workload.EXIT, "exit_long"] = 1
        return dataframe

    def custom_stake_amount(self, pair, current_time, current_rate, proposed_stake, **rest):
        equity = self.wallets.get_total_stake_amount()
        self.peak = max(self.peak, equity)
        fall = 1 - equity / self.peak
        if fall >= workload.DRAWDOWNS[1]:
            return 0
        held = sum(trade.stake_amount for trade in Trade.get_trades_proxy(is_open=True))
        stake = workload.SIZE * equity * (0.5 if fall >= workload.DRAWDOWNS[0] else 1)
        return stake if held + stake <= workload.EXPOSURE * equity else 0
