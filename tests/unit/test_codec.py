"""Payloads are sealed, open with any kept key, and are refused when somebody touched them."""

import asyncio

import pytest
from cryptography.exceptions import InvalidTag
from temporalio.api.common.v1 import Payload

from temporal.client import converter
from temporal.codec import EncryptionCodec
from trading.errors import UsageError

OLD, NEW = b"o" * 32, b"n" * 32
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"portfolio": "main"}')


def sealed(codec: EncryptionCodec) -> Payload:
    return asyncio.run(codec.encode([PLAIN]))[0]


def opened(codec: EncryptionCodec, payload: Payload) -> Payload:
    return asyncio.run(codec.decode([payload]))[0]


def test_what_is_sealed_tells_nothing_and_opens_again() -> None:
    codec = EncryptionCodec({"new": NEW}, "new")
    payload = sealed(codec)
    assert b"main" not in payload.SerializeToString()
    assert sealed(codec).data != payload.data, "a nonce is used once"
    assert opened(codec, payload) == PLAIN


def test_an_older_key_still_opens_and_a_missing_one_is_named() -> None:
    payload = sealed(EncryptionCodec({"old": OLD}, "old"))
    assert opened(EncryptionCodec({"old": OLD, "new": NEW}, "new"), payload) == PLAIN
    with pytest.raises(UsageError, match="old"):
        opened(EncryptionCodec({"new": NEW}, "new"), payload)


def test_what_was_never_sealed_passes() -> None:
    assert opened(EncryptionCodec({"new": NEW}, "new"), PLAIN) == PLAIN


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_touched_payload_is_refused(place: int) -> None:
    codec = EncryptionCodec({"new": NEW}, "new")
    payload = sealed(codec)
    data = bytearray(payload.data)
    data[place] ^= 1
    with pytest.raises(InvalidTag):
        opened(codec, Payload(metadata=payload.metadata, data=bytes(data)))


def test_only_with_a_key_is_there_a_codec() -> None:
    assert converter().payload_codec is None
    assert isinstance(converter((("new", NEW),)).payload_codec, EncryptionCodec)
