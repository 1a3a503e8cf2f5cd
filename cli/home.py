"""One folder holds all state, so that two copies can live side by side and a clean slate is one deletion."""

import os
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_data_path

from trading.errors import UsageError

VARIABLE = "BALLAST_HOME"

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", envvar=VARIABLE, help="Folder that holds all state.", show_default="your data folder"
    ),
]
"""The `--home` option of every command that keeps state; pass its value to `home_dir`."""


def home_dir(option: Path | None = None) -> Path:
    """The home folder, made if missing: `--home`, else BALLAST_HOME, else the platform's data folder.

    Raises `UsageError` when it is a file or cannot be written.
    """
    named = option or os.environ.get(VARIABLE)
    home = Path(named).expanduser().absolute() if named else user_data_path("ballast", appauthor=False)
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
        raise UsageError(
            f"cannot make the home folder {home} ({reason}); choose another by --home"
        ) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write to the home folder {home}; choose another by --home")
    return home
