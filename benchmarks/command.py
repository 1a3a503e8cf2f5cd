"""The whole command: `ballast backtest` beside `freqtrade backtesting` on the same 20 instruments and hours.

    python benchmarks/command.py [--peers] [--rounds 3] [--json]

Start of the process, imports, loading the bars, signals, simulation, statistics and output. Ours runs its
rule (`trend-vote`), the same at other fees and at double cost, and every benchmark with and without risk
rules: 15 portfolios, bootstrap intervals, the page, parquet and JSON. freqtrade runs one strategy and prints
its tables. `first run` is ours with nothing compiled yet.
"""

import shutil
import sys

import market
import measure


def command(options: measure.argparse.Namespace) -> list[str]:
    """The installed command with this interpreter; `-c` keeps it to the sources beside this folder."""
    start = ["--from", str(market.START), "--to", str(market.last_day()), "--venue", market.VENUE]
    home = ["--home", str(options.work / "home")]
    return [sys.executable, "-c", "from cli.main import main; main()", "backtest", *start, *home]


def main() -> None:
    options = measure.parser(__doc__).parse_args()
    market.make(options.work)
    ours = measure.Arm("ballast", command(options))
    shutil.rmtree(options.work / "home" / "cache", ignore_errors=True)
    first = measure.run(ours.command)
    arms = [ours]
    if options.peers:
        measure.run(measure.peer(options, "freqtrade", "freqtrade_backtest.py", "--prepare"))
        freqtrade = measure.peer(options, "freqtrade", "freqtrade_backtest.py")
        arms.append(measure.Arm("freqtrade", freqtrade, ours.name))
    results = measure.interleaved(arms, options.rounds)
    measure.show(arms, results | {"ballast, first run": first}, as_json=options.json)


if __name__ == "__main__":
    main()
