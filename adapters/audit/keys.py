"""The Ed25519 key that signs checkpoints: one a home, kept in a file that only its owner reads.

Keys are written as 64 hexadecimal digits: the 32 bytes of RFC 8032, section 5.1.5. The public key names the
key; it is to be kept outside too, for whoever verifies without us.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from adapters.files import replacing
from trading.errors import UsageError

SECRET, NEXT, PUBLIC = "signing.key", "signing.next.key", "public.keys"
OWNER_ONLY = 0o600


class SigningKey:
    """A private key; it signs and never shows itself."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw().hex()

    def sign(self, statement: bytes) -> str:
        """The signature, as 128 hexadecimal digits."""
        return self._key.sign(statement).hex()


def signed_by(public: str, signature: str, statement: bytes) -> bool:
    """Whether the owner of a public key signed these very bytes."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_key(folder: Path) -> SigningKey:
    """The key kept in a folder, made on first use."""
    key = load(folder, SECRET) if (folder / SECRET).exists() else make(folder, SECRET)
    publish(folder, key)
    return key


def make(folder: Path, name: str) -> SigningKey:
    """A new key in a file of that name; a file that is there already is an error."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = Ed25519PrivateKey.generate().private_bytes_raw()
    opened = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(opened, "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return SigningKey(secret)


def load(folder: Path, name: str) -> SigningKey:
    """The key in a file; a `UsageError` when others may read it, or when it holds no key."""
    file = folder / name
    if file.stat().st_mode & 0o077:
        raise UsageError(f"{file} can be read by others: chmod 600 it, and rotate the key if they may have")
    try:
        return SigningKey(bytes.fromhex(file.read_text().strip()))
    except ValueError as error:
        raise UsageError(f"{file} holds no Ed25519 key of 64 hexadecimal digits") from error


def publish(folder: Path, key: SigningKey) -> None:
    """Add the public key to the list that is handed out, oldest first."""
    known = read_public(folder / PUBLIC) if (folder / PUBLIC).exists() else []
    if key.public not in known:
        with replacing(folder / PUBLIC) as draft:
            draft.write_text("\n".join([*known, key.public, ""]))


def read_public(file: Path) -> list[str]:
    """Public keys from a file, one a line."""
    keys = file.read_text().split() if file.is_file() else []
    try:
        for key in keys:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError as error:
        raise UsageError(f"{file} holds something else than public keys of 64 hexadecimal digits") from error
    if not keys:
        raise UsageError(f"{file} holds no public key; name the file by --public")
    return keys
