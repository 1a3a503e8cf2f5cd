"""vectorbt on the workload: `vectorbt_portfolio.py WORK orders|signals|sweep`.

`orders` is an order function with every rule, written here in the callbacks: the user writes the simulator.
`signals` is the idiom, `from_signals` on the Rust engine; it cannot express a share of equity, the position
and exposure caps, drawdown tiers, best score first or the time exit. `sweep` is `signals` for 64 parameter
sets in one call, a group of columns for each.
"""

import sys
import time
from pathlib import Path

import measure
import numpy as np
import pandas as pd
import vectorbt as vbt
import workload
from vectorbt.portfolio.enums import SizeType, StopEntryPrice, StopExitPrice

HOURS, ASSETS = workload.HOURS, workload.ASSETS
ORDERS_MAX = 40_000


class Clock:
    """CPU and wall seconds since it was made."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def loop(self) -> measure.Figures:
        return {
            "loop_cpu_s": time.process_time() - self.cpu,
            "loop_wall_s": time.perf_counter() - self.wall,
        }


def signals(panel: workload.Workload, sets: list[tuple[float, float]]) -> dict[str, np.ndarray]:
    """Prices and shifted signals, a group of columns for each (enter, leave)."""
    count = len(sets)
    arrays = {name: np.tile(getattr(panel, name), (1, count)) for name in ("open", "high", "low", "close")}
    for name in ("entries", "exits"):
        arrays[name] = np.zeros((HOURS, ASSETS * count), dtype=bool)
    for k, (enter, leave) in enumerate(sets):
        columns = slice(ASSETS * k, ASSETS * (k + 1))
        arrays["entries"][1:, columns] = panel.score[:-1] > enter
        arrays["exits"][1:, columns] = panel.score[:-1] < leave
    return arrays


def from_signals(arrays: dict[str, np.ndarray], hours: int, groups: int):
    cut = {name: values[:hours] for name, values in arrays.items()}
    return vbt.Portfolio.from_signals(
        cut["close"],
        cut["entries"],
        cut["exits"],
        price=cut["open"],
        open=cut["open"],
        high=cut["high"],
        low=cut["low"],
        size=workload.SIZE * workload.CASH,
        size_type=SizeType.Value,
        fees=workload.FEE,
        slippage=workload.SLIPPAGE,
        sl_stop=workload.STOP,
        tp_stop=workload.TARGET,
        stop_entry_price=StopEntryPrice.FillPrice,
        stop_exit_price=StopExitPrice.StopMarket,
        init_cash=workload.CASH,
        cash_sharing=True,
        group_by=np.repeat(np.arange(groups), ASSETS),
        freq="1h",
        engine="rust",
    )


def run_signals(panel: workload.Workload, sets: list[tuple[float, float]]) -> measure.Figures:
    """The warm call; making the signals and reading the final values are timed apart."""
    making = Clock()
    arrays = signals(panel, sets)
    made = making.loop()
    for hours in (300, HOURS) if len(sets) == 1 else (300,):
        from_signals(arrays, hours, len(sets))
    clock = Clock()
    portfolio = from_signals(arrays, HOURS, len(sets))
    figures, reading = clock.loop(), Clock()
    final = portfolio.final_value()
    read = reading.loop()
    for kind in ("cpu_s", "wall_s"):
        figures[f"result_{kind}"] = sum(part[f"loop_{kind}"] for part in (made, figures, read))
    return figures | {"fills": len(portfolio.orders.values), "final_equity": float(np.ravel(final)[0])}


def run_orders(panel: workload.Workload) -> measure.Figures:
    from vectorbt_callbacks import after_hour, before_hour, next_order

    frame = pd.DataFrame(panel.close, columns=list(workload.BASES[:ASSETS]))

    def simulate(hours: int):
        arguments = (
            *(values[:hours] for values in (panel.open, panel.high, panel.low, panel.score)),
            *(np.zeros(ASSETS) for _ in range(3)),
            *(np.zeros(ASSETS, dtype=np.int64) for _ in range(3)),
            np.array([workload.CASH, workload.CASH]),
            np.zeros(3, dtype=np.int64),
        )
        return vbt.Portfolio.from_order_func(
            frame.iloc[:hours],
            next_order,
            flexible=True,
            init_cash=workload.CASH,
            cash_sharing=True,
            group_by=True,
            row_wise=False,
            pre_segment_func_nb=before_hour,
            pre_segment_args=arguments,
            post_segment_func_nb=after_hour,
            post_segment_args=arguments,
            call_post_segment=True,
            max_orders=min(ORDERS_MAX, hours * ASSETS),
            freq="1h",
        )

    for hours in (300, HOURS):
        simulate(hours)
    clock = Clock()
    portfolio = simulate(HOURS)
    figures = clock.loop()
    return figures | {"fills": int(portfolio.orders.count()), "final_equity": float(portfolio.final_value())}


def main() -> None:
    panel = workload.load(Path(sys.argv[1])).traded()
    panel = workload.Workload(*(np.ascontiguousarray(values) for values in panel))
    if sys.argv[2] == "orders":
        measure.report(run_orders(panel))
    elif sys.argv[2] == "signals":
        measure.report(run_signals(panel, [(workload.ENTER, workload.EXIT)]))
    else:
        measure.report(run_signals(panel, workload.parameter_sets()))


if __name__ == "__main__":
    main()
