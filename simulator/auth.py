"""Who may ask: API keys, signatures as Kraken checks them, and nonces that rise for ever.

API-Sign = base64(HMAC-SHA512(base64-decoded secret, path + SHA256(nonce + body))), over the very bytes of
the body.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from simulator.protocol import Refusal

NONCE_MAX = 2**64 - 1
TRADER = (
    "query-funds",
    "query-open-trades",
    "query-closed-trades",
    "query-ledger",
    "modify-trades",
    "close-trades",
)
"""What our own key may do; never withdraw-funds."""


def signature(path: str, nonce: str, body: bytes, secret: str) -> str:
    """What the API-Sign header must hold."""
    digest = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(
        hmac.new(base64.b64decode(secret), path.encode() + digest, "sha512").digest()
    ).decode()


def parameters(body: bytes, content_type: str) -> dict[str, Any]:
    """The parameters of a form or JSON body; an unreadable one is a `Refusal`."""
    try:
        if "json" not in content_type:
            return dict(parse_qsl(body.decode(), keep_blank_values=True))
        content = json.loads(body)
    except ValueError as error:
        raise Refusal("EAPI:Bad request") from error
    if not isinstance(content, dict):
        raise Refusal("EAPI:Bad request")
    return content


class Keys:
    """One key and its nonce. The nonce is stored before a request takes effect, so that no restart lowers
    it.
    """

    def __init__(self, key: str, secret: str, nonce_file: Path | None = None) -> None:
        self.key, self.secret = key, secret
        self.permissions = list(TRADER)
        self.nonce = 0
        self._file = nonce_file
        if nonce_file is not None and nonce_file.exists():
            self.nonce = json.loads(nonce_file.read_text()).get(key, 0)

    def check(self, path: str, headers: Mapping[str, str], body: bytes, params: Mapping[str, Any]) -> None:
        """Let a signed request pass and use its nonce up; otherwise a `Refusal`, and nothing has changed."""
        if headers.get("api-key") != self.key:
            raise Refusal("EAPI:Invalid key")
        nonce = str(params.get("nonce", ""))
        try:
            given = base64.b64decode(headers.get("api-sign", ""), validate=True)
        except binascii.Error:
            given = b""
        wanted = base64.b64decode(signature(path, nonce, body, self.secret))
        if not hmac.compare_digest(given, wanted):
            raise Refusal("EAPI:Invalid signature")
        if not (nonce.isascii() and nonce.isdigit() and self.nonce < int(nonce) <= NONCE_MAX):
            raise Refusal("EAPI:Invalid nonce")
        self.nonce = int(nonce)
        if self._file is not None:
            draft = self._file.with_suffix(".tmp")
            draft.write_text(json.dumps({self.key: self.nonce}))
            draft.replace(self._file)

    def permit(self, permission: str | None) -> None:
        """Refuse what the key may not do."""
        if permission is not None and permission not in self.permissions:
            raise Refusal("EGeneral:Permission denied")
