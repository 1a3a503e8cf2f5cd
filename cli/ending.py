"""How a command's process ends: with the status it earned, whatever the engine still answers."""

import atexit
import gc
import os
import sys
import threading
from collections.abc import Callable

ENGINE_CLIENT = "temporalio.bridge.client"


def run_to_end(command: Callable[[], object]) -> None:
    """Run a command that ends by `SystemExit`, and end the process with its status.

    The engine's client answers on threads of its own, for which Python has no end: an answer that arrives
    while the interpreter is taken down aborts the process or hangs it, after all that it should do is done.
    So a process that has loaded the client does what the interpreter's end is for, and leaves without it.
    """
    try:
        command()
    except SystemExit as end:
        if ENGINE_CLIENT in sys.modules and isinstance(end.code, int):
            _leave(end.code)
        raise
    finally:
        # The process ends: searching for garbage among all that still lives would take 0.2 s.
        gc.freeze()


def _leave(status: int) -> None:
    """What the interpreter does first: wait for threads, call who asked for it, write what was said."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
