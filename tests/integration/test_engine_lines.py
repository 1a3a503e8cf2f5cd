"""What the engine's client says goes to the log: on stdout nobody may read it, and then it stands still."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.devserver import DevServer

DESERTED = """
import asyncio, os, sys
from temporalio.client import Client
from adapters.observability import log_lines
from temporal.client import outspoken

async def asking():
    client = await Client.connect(sys.argv[1], runtime=outspoken())
    print("connected", file=sys.stderr, flush=True)
    sys.stdin.readline()
    asked = asyncio.ensure_future(client.count_workflows())
    await asyncio.wait([asked], timeout=20)

log_lines(as_json=True)
asyncio.run(asking())
os._exit(0)
"""
"""Asks an engine that has gone, until its client complains."""


def test_the_engines_client_complains_in_the_log_and_never_on_stdout(tmp_path: Path) -> None:
    server = DevServer(tmp_path)
    server.start()
    try:
        asyncio.run(server.connect())
        command = [sys.executable, "-c", DESERTED, server.address]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "connected\n"
            server.kill()
            said, told = process.communicate("go on\n")
    finally:
        server.stop()
    lines = [json.loads(line) for line in told.splitlines()]
    assert any("retried" in line["message"] and line["severity"] == "WARNING" for line in lines), told
    assert not any("temporal_log" in line for line in lines)
    assert said == ""
