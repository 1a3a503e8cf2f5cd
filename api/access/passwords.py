"""Passwords as Argon2id digests, and the only rules about them that help: length, and not the name."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from trading.errors import UsageError

LENGTH_MIN, LENGTH_MAX = 12, 256


@cache
def hasher() -> PasswordHasher:
    """RFC 9106's second choice: 64 MiB, three passes, four lanes."""
    return PasswordHasher()


@cache
def _nobody() -> str:
    """A digest of no password, so that an unknown name takes as long as a wrong password."""
    return hasher().hash("nobody has this password")


def digest(password: str, name: str) -> str:
    """The digest to store; a `UsageError` says what is wrong with a password."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise UsageError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters; a sentence is a good one")
    if name.lower() in password.lower():
        raise UsageError("a password may not contain the user's name")
    return hasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password; as slow for a person without one."""
    try:
        hasher().verify(stored or _nobody(), password[: LENGTH_MAX + 1])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
