"""A process that proves hours, apart from the one that lived them: asked in lines, answers in lines."""

import json
import subprocess
from collections.abc import Sequence
from threading import Lock

from trading.clock import TradingHour
from trading.errors import VenueUnavailable
from trading.live.values import Proved

GONE_S = 5.0


class ProverProcess:
    """Started when the first hour is to be proved, and again when it died; ends when its input does."""

    def __init__(self, command: Sequence[str], terms: str) -> None:
        """`terms` is the first line that the process is told."""
        self._command, self._terms = command, terms
        self._process: subprocess.Popen[str] | None = None
        self._turn = Lock()

    def prove(self, hour: TradingHour) -> list[Proved]:
        """What it came to for each portfolio; a `VenueUnavailable`, to be tried again, when it died."""
        with self._turn:
            process = self._running()
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(f"{hour.number}\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except OSError:
                answer = ""
            if not answer:
                self._end()
                raise VenueUnavailable(f"the process that proves {hour} died; it is started again")
            return [Proved(*row) for row in json.loads(answer)]

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert self._process.stdin is not None
            self._process.stdin.write(self._terms + "\n")
            self._process.stdin.flush()
        return self._process

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(GONE_S)
        self._process = None
