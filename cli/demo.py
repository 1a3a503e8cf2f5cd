"""`ballast demo`: a complete backtest on a fresh machine, with nothing to prepare."""

from datetime import date

import typer

from cli import backtest
from cli.backtest import JsonOption
from cli.home import HomeOption, home_dir

SEED, YEARS, INSTRUMENTS = 7, 4, 12
PREDICTOR = "trend-vote"
SPAN = (date(2021, 7, 1), date(2024, 12, 31))
"""Inside the generated market, after the first window is complete."""


def demo(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Backtest a made-up market from end to end and write a report.

    Generates four years of twelve instruments (always the same ones), runs the
    hour over them with every rule, and prints how the strategy did against
    every benchmark. Nothing is needed but this command; no real money, no
    network. With real bars: `ballast data import`, then `ballast backtest`.
    """
    from cli.data import make_market
    from cli.running import Request

    folder = home_dir(home)
    typer.echo(f"home: {folder}", err=True)
    made = make_market(folder, SEED, YEARS, INSTRUMENTS)
    typer.echo(f"market: {INSTRUMENTS} instruments, {made['first']} to {made['last']}", err=True)
    typer.echo(f"running {PREDICTOR} and its benchmarks (the first run compiles them: a minute)", err=True)
    finished = backtest.run(Request(*SPAN, PREDICTOR, "mission", made["venue"]), folder)
    backtest.show(finished, as_json=as_json)
