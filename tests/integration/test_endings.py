"""A command that asked the engine ends with its own status, whatever the engine still answers."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devserver import DevServer

HURRIED = """
import asyncio, atexit, os, sys
from cli.ending import run_to_end
from temporalio.client import Client

class Last:
    def __del__(self):
        os.write(1, b"taken down")

last = Last()

async def hurried():
    client = await Client.connect(sys.argv[1])
    asked = [asyncio.ensure_future(client.service_client.check_health()) for _ in range(200)]
    await asyncio.sleep(0.002)
    return asked

def command():
    asyncio.run(hurried())
    atexit.register(print, "closed")
    print("told")
    sys.exit(3)

run_to_end(command)
"""
"""It ends while answers are under way: taken down by the interpreter, this aborted or hung."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    server = DevServer(tmp_path)
    server.start()
    yield server
    server.stop()


def test_answers_under_way_do_not_touch_the_end_of_a_command(server: DevServer) -> None:
    asyncio.run(server.connect())
    told = [sys.executable, "-c", HURRIED, server.address]
    for _ in range(3):
        done = subprocess.run(told, capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stdout, done.stderr) == (3, "told\nclosed\n", "")
