"""The parts of a running system: how each is started, and how it says that it answers."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from cli.supervisor.children import Child, PartFailed
from cli.supervisor.house import House
from cli.supervisor.ports import LOOPBACK
from trading.errors import UsageError

TEMPORAL, UI, TEMPORAL_HTTP, TEMPORAL_METRICS = "temporal", "temporal-ui", "temporal-http", "temporal-metrics"
SIMULATOR, WORKER, API = "simulator", "worker", "api"
PORTS = (TEMPORAL, UI, TEMPORAL_HTTP, TEMPORAL_METRICS, SIMULATOR, API)
"""What needs a port of its own."""

TRADING_QUEUE = "trading"
"""Of `workflows.names`, whose import is too heavy for a status line."""
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
    return Child(TEMPORAL, told, house.run, house.logs, lambda: answers(url), port=ports[TEMPORAL])


def simulator(house: House, options: Sequence[str], exchange: Path, port: int) -> Child:
    """The exchange that a replay trades at, in lockstep; its bars and its account lie in `exchange`."""
    told = [beside_python("ballast"), "simulator", "--speed", "0", "--port", str(port), *options]
    told += ["--state", str(exchange), "--home", str(exchange)]
    url = f"http://{LOOPBACK}:{port}/0/public/Time"
    return Child(SIMULATOR, told, house.run, house.logs, lambda: answers(url), port=port, silent=True)


def worker(
    house: House, terms: Path, namespace: str, ports: Mapping[str, int], secrets: Path | None = None
) -> Child:
    """A worker of all task queues; `secrets` is where it reads what its terms refer to."""
    told = [beside_python("ballast"), "worker", str(terms)]
    told += ["--secrets", str(secrets)] if secrets else []
    http = ports[TEMPORAL_HTTP]
    return Child(WORKER, told, house.run, house.logs, lambda: polled(TRADING_QUEUE, namespace, http))


def api(house: House, mode: str, ui: str, port: int) -> Child:
    """The API and the dashboard."""
    told = [beside_python("ballast"), "api", "--mode", mode, "--port", str(port), "--temporal-ui", ui]
    url = f"http://{LOOPBACK}:{port}/api/openapi.json"
    told += ["--home", str(house.home)]
    return Child(API, told, house.run, house.logs, lambda: answers(url), port=port)


def set_up_link(server: Child) -> str:
    """Where the API lets its first user in; empty once there is one."""
    # Among the lines of its log; only this one has an address.
    told = [line for line in server.log.read_text().splitlines() if line.startswith('{"address"')]
    link: str = json.loads(told[-1]).get("set_up", "") if told else ""
    return link


def polled(queue: str, namespace: str, port: int) -> bool:
    """Whether a worker asks for work on a task queue; `port` is that of Temporal's HTTP side."""
    url = f"http://{LOOPBACK}:{port}/api/v1/namespaces/{namespace}/task-queues/{queue}"
    try:
        reply = httpx.get(url, timeout=REPLY_S, trust_env=False)
    except httpx.HTTPError:
        return False
    return reply.status_code == HTTP_OK and bool(reply.json().get("pollers"))


def keep_histories(namespace: str, ports: Mapping[str, int]) -> None:
    """Let the engine keep what it knows of a namespace; by default it forgets after a day."""
    update = [temporal_binary(), "operator", "namespace", "update", "--retention", RETENTION]
    where = ["-n", namespace, "--address", f"{LOOPBACK}:{ports[TEMPORAL]}"]
    done = subprocess.run(update + where, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise PartFailed(f"temporal does not take the retention of {namespace}: {done.stderr.strip()}")
