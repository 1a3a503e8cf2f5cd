"""How the embedded Temporal server is started: the flags that make it durable, quick and quiet.

With its defaults a trading hour of eight activities takes 724 ms on a file; with these 132 ms. The server
looks for due work 20 times a second unless it is told to look more often, and flushes its file by a journal
that rewrites pages. It has neither encryption nor authorisation, so it listens on this machine only.
"""

from pathlib import Path

from temporalio.common import SearchAttributeIndexedValueType

from workflows.names import SEARCH_ATTRIBUTES

LOOPBACK = "127.0.0.1"
POLL_RPS = 2_000
"""How often a second each queue of due work may be looked at."""
POLLED = ("transferProcessor", "timerProcessor", "visibilityProcessor")
PRAGMAS = ("journal_mode=wal", "synchronous=full")
"""A commit survives a power cut."""

TYPE_NAMES = {
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.DATETIME: "Datetime",
}


def command(
    *, binary: str, database: Path, namespace: str, port: int, ui_port: int, http_port: int, metrics_port: int
) -> list[str]:
    """The command line; every port is given, since the server would draw the others by chance."""
    told = [binary, "server", "start-dev", "--ip", LOOPBACK, "--log-level", "warn"]
    told += ["--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch"]
    told += ["--http-port", str(http_port), "--metrics-port", str(metrics_port)]
    told += ["--db-filename", str(database), "--namespace", namespace]
    for pragma in PRAGMAS:
        told += ["--sqlite-pragma", pragma]
    for queue in POLLED:
        told += ["--dynamic-config-value", f"history.{queue}MaxPollRPS={POLL_RPS}"]
    for key in SEARCH_ATTRIBUTES:
        told += ["--search-attribute", f"{key.name}={TYPE_NAMES[key.indexed_value_type]}"]
    return told
