"""The only place that signs: Kraken's API-Sign as an httpx auth flow.

    API-Sign = base64(HMAC-SHA512(base64decode(secret), path + SHA256(nonce + body)))

The body holds the nonce as well, and has to be the very bytes that are sent. So the flow takes a form without
a nonce, looks at every field (`endpoints.check_signable`), draws the nonce and builds the request to be sent.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Generator
from typing import NoReturn, Protocol
from urllib.parse import parse_qsl, urlencode

import httpx

from adapters.kraken.endpoints import check_signable
from trading.errors import UsageError


class Nonces(Protocol):
    """Where rising numbers come from."""

    def next(self) -> int: ...


class Credentials:
    """An API key and its secret; neither shows in a representation, a message or a log."""

    __slots__ = ("_secret", "key")

    def __init__(self, key: str, secret: str) -> None:
        if not key or not key.isascii() or not key.isprintable():
            raise UsageError("the API key is empty or unreadable; copy it from Kraken again")
        self.key = key
        self._secret = _decoded(secret)

    def now(self) -> "Credentials":
        """Those that are good now."""
        return self

    def sign(self, path: str, nonce: int, body: str) -> str:
        """The API-Sign header of a body that holds this nonce."""
        digest = hashlib.sha256(f"{nonce}{body}".encode()).digest()
        return base64.b64encode(hmac.digest(self._secret, path.encode() + digest, "sha512")).decode()

    def __repr__(self) -> str:
        return "Credentials(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are never written out")


class RenewedCredentials(Credentials):
    """Credentials that are read anew for each request, so that a rotation needs no restart."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], tuple[str, str]]) -> None:
        """`read` gives key and secret, as often as it is asked."""
        self._read = read
        super().__init__(*read())

    def now(self) -> Credentials:
        return Credentials(*self._read())


def _decoded(secret: str) -> bytes:
    try:
        decoded = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded:
        # Raised outside the handler: the decoder's own error would carry the text along.
        raise UsageError("the API secret is not base64; copy it from Kraken again")
    return decoded


class KrakenAuth(httpx.Auth):
    """Completes and signs one form; requests must be sent in the order of their nonces."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, nonces: Nonces) -> None:
        self._credentials, self._nonces = credentials, nonces

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        fields = parse_qsl(request.content.decode(), keep_blank_values=True)
        path = request.url.path
        check_signable(path, fields)
        nonce = self._nonces.next()
        body = urlencode([("nonce", str(nonce)), *fields])
        headers = httpx.Headers(request.headers)
        del headers["Content-Length"]
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        credentials = self._credentials.now()
        headers["API-Key"] = credentials.key
        headers["API-Sign"] = credentials.sign(path, nonce, body)
        yield httpx.Request("POST", request.url, headers=headers, content=body, extensions=request.extensions)
