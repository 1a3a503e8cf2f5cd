"""Payloads sealed with AES-GCM before they leave the process; ids, type names and search attributes are not.

A payload carries the id of its key as associated data, so that keys can be changed: new payloads are sealed
with the newest, old ones open as long as their key is kept.
"""

import os
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from trading.errors import UsageError

ENCODING, KEY_ID = "encoding", "ballast-key"
SEALED = b"binary/ballast-aes-gcm"
NONCE_BYTES = 12


class EncryptionCodec(PayloadCodec):
    """Seals with one key, opens with any."""

    def __init__(self, keys: Mapping[str, bytes], newest: str) -> None:
        self._ciphers = {id: AESGCM(key) for id, key in keys.items()}
        self._newest = newest

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """What was never sealed passes as it is; a `UsageError` names a key that is missing."""
        return [self._open(p) if p.metadata.get(ENCODING) == SEALED else p for p in payloads]

    def _seal(self, payload: Payload) -> Payload:
        id, nonce = self._newest.encode(), os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, payload.SerializeToString(), id)
        return Payload(metadata={ENCODING: SEALED, KEY_ID: id}, data=nonce + sealed)

    def _open(self, payload: Payload) -> Payload:
        id = payload.metadata[KEY_ID]
        if id.decode() not in self._ciphers:
            raise UsageError(f"payloads are sealed with key {id.decode()!r}, which is not among ours")
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        return Payload.FromString(self._ciphers[id.decode()].decrypt(nonce, sealed, id))
