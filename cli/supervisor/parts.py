"""The parts of a running system: how each is started, and how it says that it answers."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from cli.supervisor.children import Child, PartFailed
from cli.supervisor.house import House
from cli.supervisor.ports import LOOPBACK
from trading.errors import UsageError

TEMPORAL, UI, TEMPORAL_HTTP, TEMPORAL_METRICS = "temporal", "temporal-ui", "temporal-http", "temporal-metrics"
SIMULATOR = "simulator"
PORTS = (TEMPORAL, UI, TEMPORAL_HTTP, TEMPORAL_METRICS, SIMULATOR)
"""What needs a port of its own."""

REPLY_S = 1.0
RETENTION = "26280h"
"""Three years: the embedded engine keeps its histories as long as the tracks that they belong to."""
HTTP_OK = 200


def beside_python(name: str) -> str:
    """A program that was installed together with us; a `UsageError` when it is missing."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise UsageError(f"the program {name} is missing beside {sys.executable}; ./ballast installs it")
    return str(found)


def temporal_binary() -> str:
    return beside_python("temporal")


def answers(url: str) -> bool:
    """Whether a request is answered with success."""
    try:
        return httpx.get(url, timeout=REPLY_S, trust_env=False).status_code == HTTP_OK
    except httpx.HTTPError:
        return False


def temporal(house: House, mode: str, namespace: str, ports: Mapping[str, int]) -> Child:
    """The embedded Temporal server with its interface."""
    from temporal.dev_server import command

    told = command(
        binary=temporal_binary(),
        database=house.engine(mode),
        namespace=namespace,
        port=ports[TEMPORAL],
        ui_port=ports[UI],
        http_port=ports[TEMPORAL_HTTP],
        metrics_port=ports[TEMPORAL_METRICS],
    )
    url = f"http://{LOOPBACK}:{ports[TEMPORAL_HTTP]}/api/v1/namespaces/{namespace}"
    return Child(TEMPORAL, told, house.run, house.logs, lambda: answers(url))


def keep_histories(namespace: str, ports: Mapping[str, int]) -> None:
    """Let the engine keep what it knows of a namespace; by default it forgets after a day."""
    update = [temporal_binary(), "operator", "namespace", "update", "--retention", RETENTION]
    where = ["-n", namespace, "--address", f"{LOOPBACK}:{ports[TEMPORAL]}"]
    done = subprocess.run(update + where, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise PartFailed(f"temporal does not take the retention of {namespace}: {done.stderr.strip()}")
