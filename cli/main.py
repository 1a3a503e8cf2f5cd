"""The `ballast` command: mounts the subcommands and turns errors into one line that says what to do.

Commands import polars, numba and the model libraries inside their functions: `ballast --help` stays quick.
"""

import os
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from cli import (
    api,
    audit,
    backtest,
    backup,
    compare,
    data,
    demo,
    deploy,
    doctor,
    enrol,
    evaluate,
    features,
    findings,
    governance,
    halt,
    hour,
    migrate,
    models,
    monitors,
    prove,
    report,
    schedules,
    simulator,
    status,
    testing,
    train,
    up,
    users,
    walkforward,
    worker,
)
from cli.ending import run_to_end
from trading.errors import BallastError, UsageError

INTERRUPTED = 130
"""The shell's exit status of a program ended by Ctrl-C."""


class ErrorsInOneLine(TyperGroup):
    """The root group: what Ballast raises on purpose ends as one red line on stderr, never as a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BallastError as error:
            _say(f"error: {error}")
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
        except KeyboardInterrupt as error:
            _say("interrupted; nothing is lost")
            raise typer.Exit(INTERRUPTED) from error


def _say(line: str) -> None:
    Console(stderr=True).print(line, style="red", markup=False, highlight=False, soft_wrap=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ballast {version('ballast-trading')}")
        raise typer.Exit


app = typer.Typer(
    cls=ErrorsInOneLine,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(help="Ballast: an hourly, durable, self-auditing trading system for Kraken Spot.")
def root(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Options that stand before the command."""


app.command("up")(up.up)
app.command("status")(status.status)
app.add_typer(hour.app, name="hour")
app.add_typer(halt.app, name="halt")
app.add_typer(schedules.app, name="schedules")
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.add_typer(data.app, name="data")
app.add_typer(features.app, name="features")
app.command("backtest")(backtest.backtest)
app.command("compare")(compare.compare)
app.command("walkforward")(walkforward.walkforward)
app.command("train")(train.train)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(models.app, name="models")
app.command("simulator")(simulator.simulator)
app.add_typer(audit.app, name="audit")
app.command("migrate")(migrate.migrate)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("enrol")(enrol.enrol)
app.add_typer(deploy.app, name="deploy")
app.add_typer(governance.app, name="governance")
app.add_typer(findings.app, name="findings")
app.add_typer(report.app, name="report")
app.add_typer(monitors.app, name="monitors")
app.command("api")(api.api)
app.add_typer(users.app, name="users")
app.command("worker", hidden=True)(worker.worker)
app.command("prove", hidden=True)(prove.prove)
app.command("test", context_settings=testing.PASS_ARGUMENTS_ON)(testing.test)


def main() -> None:
    """Run the command named on the command line; exits 0, 1 (error), 2 (usage) or 130 (interrupted)."""
    # NumPy's threads take longer to start than our few small products take.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    run_to_end(app)
