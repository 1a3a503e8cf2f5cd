"""The hour as it is lived: the backtest's own functions over values that were stored before and after."""
