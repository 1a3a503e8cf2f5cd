"""Temporal's dev server as a child process that a test may kill and start again on the same file."""

import asyncio
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from temporal.dev_server import command

CLI = Path(sys.executable).parent / "temporal"
NAMESPACE = "default"


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class DevServer:
    """One server on one file; the same ports after every start."""

    def __init__(self, folder: Path, *dynamic: str) -> None:
        self._file = folder / "temporal.db"
        self._log = folder / "temporal.log"
        self._port, self._ui, self._http, self._metrics = free_ports(4)
        self._dynamic = dynamic
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        told = command(
            binary=str(CLI),
            database=self._file,
            namespace=NAMESPACE,
            port=self._port,
            ui_port=self._ui,
            http_port=self._http,
            metrics_port=self._metrics,
        )
        for value in self._dynamic:
            told += ["--dynamic-config-value", value]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(told, stdout=log, stderr=log)

    async def connect(self) -> Client:
        """A client, as soon as the server answers."""
        for _ in range(200):
            try:
                client = await Client.connect(self.address, data_converter=pydantic_data_converter)
                await client.count_workflows()
            except RuntimeError:
                await asyncio.sleep(0.05)
            else:
                return client
        raise AssertionError(f"the dev server does not answer: {self._log.read_text()}")

    def cli(self, *arguments: str) -> str:
        """What Temporal's own command says."""
        told = [str(CLI), *arguments, "--address", self.address]
        done = subprocess.run(told, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timedelta(seconds=20).total_seconds())
            self._process = None
