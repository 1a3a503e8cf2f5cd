"""`ballast worker`: one worker process of a track; `ballast up` starts it, and more may be added."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def worker(
    terms: Annotated[
        Path, typer.Argument(help="What it works for, as `ballast up` wrote it.", exists=True, dir_okay=False)
    ],
) -> None:
    """Work on every task queue of a track until told to stop; what is under way is finished first.

    Any number may run: they hold no state.

    Example: ballast worker HOME/replay/tracks/TRACK/worker.json
    """
    from worker.main import serve
    from worker.terms import Terms

    told = Terms.model_validate_json(terms.read_bytes())
    asyncio.run(serve(told, lambda: typer.echo(f"working for {told.track}")))
