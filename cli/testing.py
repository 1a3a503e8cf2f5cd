"""`ballast test`: every check that this machine can run, in one command."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from trading.errors import UsageError

CHECKOUT = Path(__file__).resolve().parents[1]

PASS_ARGUMENTS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Typer context settings under which whatever is not an option of ours goes to pytest."""

WHOLE_SUITE = ["-n", "2", "--dist", "loadfile"]
"""Two workers; a file stays with one of them, so that it compiles its kernels once."""


def test(
    context: typer.Context,
    require_all: Annotated[
        bool, typer.Option(help="Fail on every skipped test whose reason is not listed in tests/skips.toml.")
    ] = False,
    slow: Annotated[bool, typer.Option(help="Run the long sweeps too.")] = False,
    cover: Annotated[
        bool, typer.Option(help="List every line that no test executes; compiled code is not seen.")
    ] = False,
) -> None:
    """Run static checks and tests; end with a table of what could not run here, and why.

    Further arguments go to pytest, and then one process runs: `ballast test -k money`. Tests on real market
    data need BALLAST_DATA, the folder that holds it.
    """
    if not (CHECKOUT / "tests").is_dir():
        raise UsageError("the tests live in the source checkout; run ./ballast test there")
    if importlib.util.find_spec("pytest") is None:
        raise UsageError("the development packages are missing; ./ballast test in the checkout installs them")
    flags = ["--require-all"] * require_all + ["--slow"] * slow
    arguments = context.args or WHOLE_SUITE
    status = _run(*(["coverage", "run", "-m"] if cover else []), "pytest", *flags, *arguments)
    if cover:
        _run("coverage", "combine", "--quiet")
        _run("coverage", "report")
    raise typer.Exit(status)


def _run(*module: str) -> int:
    done = subprocess.run([sys.executable, "-m", *module], cwd=CHECKOUT, check=False)  # noqa: S603
    return done.returncode
