"""The parts of a running system: what is started, in which order, and how it says that it answers."""

import sys
from pathlib import Path

from trading.errors import UsageError


def beside_python(name: str) -> str:
    """A program that was installed together with us; a `UsageError` when it is missing."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise UsageError(f"the program {name} is missing beside {sys.executable}; ./ballast installs it")
    return str(found)


def temporal_binary() -> str:
    return beside_python("temporal")
