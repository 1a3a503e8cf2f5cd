"""The simulator's control, asked over connections that stay open, one for each thread.

An hour of a replay asks for the time some twenty-five times; with the standard library's client a question
costs a sixth of what one with all comforts costs.
"""

import json
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from trading.errors import UsageError, VenueUnavailable

REPLY_S = 30.0
HTTP_OK = 200
JSON = {"Content-Type": "application/json"}


class Control:
    """What `/control/` of one simulator answers; may be used from several threads.

    Every command may be repeated, so one that met a connection that was closed meanwhile is sent once more.
    No answer is `VenueUnavailable`, a refusal of what was asked a `UsageError`.
    """

    def __init__(self, address: str) -> None:
        self._where = urlsplit(address).netloc
        self._mine = threading.local()

    def get(self, command: str, query: Mapping[str, str | int | float]) -> dict[str, Any]:
        return self._asked("GET", f"{command}?{urlencode(query)}", None)

    def post(self, command: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._asked("POST", command, json.dumps(body))

    def _asked(self, method: str, command: str, body: str | None) -> dict[str, Any]:
        try:
            try:
                return self._once(method, command, body)
            except ConnectionError:
                return self._once(method, command, body)
        except (OSError, HTTPException) as error:
            raise VenueUnavailable(f"the simulator does not answer: {error!r}") from error

    def _once(self, method: str, command: str, body: str | None) -> dict[str, Any]:
        connection = self._connection()
        try:
            connection.request(method, f"/control/{command}", body, JSON)
            reply = connection.getresponse()
            said = reply.read()
        except (OSError, HTTPException):
            connection.close()
            raise
        return told(reply.status, said)

    def _connection(self) -> HTTPConnection:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = HTTPConnection(self._where, timeout=REPLY_S)
        connection: HTTPConnection = self._mine.connection
        return connection


def told(status: int, said: bytes) -> dict[str, Any]:
    """What an answer says; a refusal of what was asked is a `UsageError`."""
    answer: dict[str, Any] = json.loads(said)
    if status != HTTP_OK:
        raise UsageError(f"the simulator's control: {answer['error']}")
    return answer
