"""How a victim comes to life: forked from a server that has imported the client, which its parent has not."""

import multiprocessing
from typing import Any

LIVES = multiprocessing.get_context("forkserver")
LIVES.set_forkserver_preload(["tests.chaos.victim"])


def born(parent: Any, *life: Any) -> None:
    """Runs in the child."""
    from tests.chaos.victim import main

    main(parent, *life)
