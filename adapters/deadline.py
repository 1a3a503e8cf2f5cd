"""A total deadline for a call over httpx.

httpx bounds every single read, so a server that drips a byte now and then can hold a call for ever, in its
headers as well as in its body. Here all reads, writes and handshakes of a call draw on one remaining time.
Only the look-up of a host name is beyond reach; it comes before anything is sent.
"""

import math
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

KEEP_ALIVE_S = 5.0


class CallEnd(threading.local):
    """When the present call of each thread must be over, on the monotonic clock."""

    at_s: float = math.inf

    def left_s(self, timeout_s: float | None, error: type[httpcore.TimeoutException]) -> float:
        """What remains of `timeout_s` or of the call, whichever is less; raises `error` when nothing does."""
        left = self.at_s - time.monotonic()
        if left <= 0:
            raise error("the call's total time is used up")
        return min(left, threading.TIMEOUT_MAX if timeout_s is None else timeout_s)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, end: CallEnd) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._end.left_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._end.left_s(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left_s = self._end.left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left_s), self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, end: CallEnd) -> None:
        self._sockets, self._end = httpcore.SyncBackend(), end

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._end.left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(
            self._sockets.connect_tcp(host, port, left_s, local_address, socket_options), self._end
        )


def bounded_transport(end: CallEnd) -> httpx.BaseTransport:
    """A transport over sockets on which no call outlasts `end`."""
    transport = httpx.HTTPTransport()
    # httpx hands no network backend through; a test with dripped headers fails should this name ever change.
    transport._pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(), network_backend=_Backend(end), keepalive_expiry=KEEP_ALIVE_S
    )
    return transport
