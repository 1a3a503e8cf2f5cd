"""One request, one stored reply, one total deadline. Nothing here knows a venue's protocol.

A request is sent once: no redirect is followed, no connection tried twice, no proxy of the environment used.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx

from adapters.clock import Clock
from adapters.deadline import CallEnd, bounded_transport
from adapters.replies import Received, ReplyLog
from adapters.telemetry import venue_call
from trading.errors import VenueUnavailable

USER_AGENT = "ballast"
DEADLINE_S = 10.0
BODY_BYTES_MAX = 32 << 20
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""These come before the first byte of the request left."""


class NotSent(Exception):
    """The request never left: nothing can have happened."""


class NoAnswer(Exception):
    """The request may have arrived; no whole answer came back, or none that could be kept."""


class Reply(NamedTuple):
    """An answer that is stored already."""

    status: int
    encoding: str
    body: bytes
    digest: str


class Wire:
    """One host; may be used from several threads."""

    def __init__(
        self,
        base_url: str,
        log: ReplyLog,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._log, self._clock, self._deadline_s = log, clock, deadline_s
        self._end = CallEnd()
        # Bodies are kept as they come; an encoding that we did not ask for is treated as damage.
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        self._client = httpx.Client(
            base_url=base_url,
            headers=headers,
            transport=transport or bounded_transport(self._end),
            timeout=deadline_s,
        )

    def get(self, path: str, fields: Mapping[str, str]) -> Reply:
        return self._exchange(self._client.build_request("GET", path, params=fields), dict(fields), None)

    def post(self, path: str, fields: Mapping[str, str], auth: httpx.Auth) -> Reply:
        """Post a form whose body `auth` completes and signs."""
        request = self._client.build_request("POST", path, data=dict(fields))
        return self._exchange(request, dict(fields), auth)

    def close(self) -> None:
        self._client.close()

    def _exchange(self, request: httpx.Request, fields: dict[str, str], auth: httpx.Auth | None) -> Reply:
        with venue_call(request.url.path):
            return self._sent(request, fields, auth)

    def _sent(self, request: httpx.Request, fields: dict[str, str], auth: httpx.Auth | None) -> Reply:
        """Send once; raises `NotSent` or `NoAnswer`. Whatever came back is stored before this returns."""
        sent, body = self._clock.now(), bytearray()
        failure: NoAnswer | None = None
        self._end.at_s = time.monotonic() + self._deadline_s
        try:
            response = self._client.send(request, auth=auth, stream=True)
        except NOT_SENT as error:
            raise NotSent(_reason(error)) from error
        except httpx.HTTPError as error:
            raise NoAnswer(_reason(error)) from error
        try:
            for piece in response.iter_raw():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    failure = NoAnswer(f"the answer has more than {BODY_BYTES_MAX} bytes")
                    break
        except httpx.HTTPError as error:
            failure = NoAnswer(_reason(error))
        finally:
            response.close()
        digest = self._keep(
            Received(
                endpoint=request.url.path,
                request=fields,
                sent=sent,
                status=response.status_code,
                event=_made(response.headers.get("Date")),
                available=self._clock.now(),
                body=bytes(body),
                complete=failure is None,
            )
        )
        if failure:
            raise failure
        encoding = response.headers.get("Content-Encoding", "identity")
        return Reply(response.status_code, encoding, bytes(body), digest)

    def _keep(self, received: Received) -> str:
        try:
            return self._log.keep(received)
        except (OSError, VenueUnavailable) as error:
            # An answer that leaves no trace counts as none: what it said could not be proved later.
            raise NoAnswer(f"the answer could not be stored ({error})") from error


def _reason(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _made(header: str | None) -> datetime | None:
    """The venue's Date header, which HTTP gives in GMT; None if absent or unreadable."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC) if header else None
    except (ValueError, OverflowError):
        return None
