"""A sweep of 64 parameter sets on two cores: ours with every rule beside 64 groups of vectorbt-rust.

    python benchmarks/sweep.py [--peers] [--rounds 3] [--json]

Ours shares the blocks of the market among 64 portfolios that two threads move forward. `loop wall s` holds
all runs, after imports, loading and compilation; vectorbt needs signals made before and final values read
after it, which the `result` columns add.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import market
import measure
import workload

THREADS = 2


def ours(work: Path) -> measure.Figures:
    from trading.backtest.engine import Portfolio, simulate
    from trading.compiled import use_cache
    from trading.hour import PREDICTIONS, Mandate

    home = work / "home"
    use_cache(home / "cache" / "compiled")
    scene = market.scene(home)
    blocks = market.inputs(scene, workload.load(work), market.rules())
    mandate = Mandate(PREDICTIONS, 0, 0, 0)

    def one(parameters: tuple[float, float]) -> tuple[int, float]:
        portfolio = Portfolio(market.OPENING, market.rules(*parameters), mandate, scene.instruments)
        logs = simulate(blocks, [portfolio])[0]
        return len(logs.fills), int(logs.equity["equity"][-1]) / 1e8

    one((workload.ENTER, workload.EXIT))
    cpu, wall = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(one, workload.parameter_sets()))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "loop_cpu_s": cpu,
        "loop_wall_s": wall,
        "result_cpu_s": cpu,
        "result_wall_s": wall,
        "fills": sum(fills for fills, _ in found),
        "final_equity": found[0][1],
    }


def main() -> None:
    options = measure.parser(__doc__).parse_args()
    if options.arm:
        measure.report(ours(options.work))
        return
    market.make(options.work)
    arms = [measure.Arm("ballast", measure.own(__file__, options, "ballast"))]
    if options.peers:
        vectorbt = measure.peer(options, "vectorbt", "vectorbt_portfolio.py", "sweep")
        arms.append(measure.Arm("vectorbt-rust", vectorbt, "ballast"))
    measure.run(arms[0].command)  # compiles, once for each change of the sources
    measure.show(arms, measure.interleaved(arms, options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
