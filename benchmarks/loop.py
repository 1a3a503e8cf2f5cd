"""The decision loop on precomputed scores: ours with every rule, and with --peers freqtrade's and vectorbt's.

    python benchmarks/loop.py [--peers] [--rounds 3] [--json]

`loop CPU s` is the simulation alone: after imports, loading and compilation, without statistics. Ours
reconciles, marks, guards, decides, fills and books every hour, with the drawdown tiers, the cluster, beta,
name and volume caps, the kill switch, ticks, lots, minimums, partial fills, slippage and the decision log.
`inputs CPU s` comes before it: features, packed readings and bars.
"""

import statistics
import time
from pathlib import Path

import market
import measure
import workload

REPEATS = 9


def ours(work: Path) -> measure.Figures:
    """The loop over blocks that are ready, and the making of the blocks."""
    from trading.backtest.engine import Logs, Portfolio
    from trading.backtest.step import Inputs
    from trading.compiled import use_cache
    from trading.hour import PREDICTIONS, Mandate

    home = work / "home"
    use_cache(home / "cache" / "compiled")
    panel, config = workload.load(work), market.rules()
    scene = market.scene(home)
    made = time.process_time()
    blocks = market.inputs(scene, panel, config)
    made = time.process_time() - made

    def simulate(part: list[Inputs]) -> Logs:
        portfolio = Portfolio(market.OPENING, config, Mandate(PREDICTIONS, 0, 0, 0), scene.instruments)
        for block in part:
            portfolio.advance(block)
        return portfolio.finish(part[-1])

    simulate(blocks[:1])
    cpus, walls = [], []
    for _ in range(REPEATS):
        cpu, wall = time.process_time(), time.perf_counter()
        logs = simulate(blocks)
        cpus.append(time.process_time() - cpu)
        walls.append(time.perf_counter() - wall)
    return {
        "loop_cpu_s": statistics.median(cpus),
        "loop_wall_s": statistics.median(walls),
        "inputs_cpu_s": made,
        "fills": len(logs.fills),
        "hours": len(logs.equity) - 1,
        "final_equity": int(logs.equity["equity"][-1]) / 1e8,
    }


def arms(options: measure.argparse.Namespace) -> list[measure.Arm]:
    found = [measure.Arm("ballast", measure.own(__file__, options, "ballast"))]
    if options.peers:
        measure.run(measure.peer(options, "freqtrade", "freqtrade_backtest.py", "--prepare"))
        freqtrade = measure.peer(options, "freqtrade", "freqtrade_backtest.py")
        found.append(measure.Arm("freqtrade", freqtrade, "ballast"))
        for what in ("orders", "signals"):
            vectorbt = measure.peer(options, "vectorbt", "vectorbt_portfolio.py", what)
            found.append(measure.Arm(f"vectorbt {what}", vectorbt, "ballast"))
    return found


def main() -> None:
    options = measure.parser(__doc__).parse_args()
    if options.arm:
        measure.report(ours(options.work))
        return
    market.make(options.work)
    found = arms(options)
    measure.run(found[0].command)  # compiles, once for each change of the sources
    measure.show(found, measure.interleaved(found, options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
