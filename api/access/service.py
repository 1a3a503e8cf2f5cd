"""Signing in and out, accounts and tokens: what they change in the database, and what is written down.

Every function here is one unit of work and ends with an entry in the audit trail. Secrets leave only as the
result of the call that made them.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from adapters.storage.accounts import EVERY_PORTFOLIO, Accounts, ApiToken, SignIn, User, WebSession
from adapters.storage.engine import reading, unit_of_work
from api.access import passwords
from api.access.principal import Principal
from api.access.roles import Role, Scope
from api.problems import Refused
from trading.errors import UsageError
from trading.risk.trading_state import OPERATOR

IDLE_MAX = timedelta(hours=8)
SESSION_MAX = timedelta(days=7)
SEEN_STEP = timedelta(minutes=1)
"""A session's last sight is written at most so often: a page asks many times a minute."""
LOCKOUT = timedelta(minutes=15)
FAILURES_OF_NAME_MAX = 5
FAILURES_OF_ADDRESS_MAX = 30
TOKEN_DAYS_MAX = 365
TOKEN_PREFIX = "ballast_"  # noqa: S105 - the beginning of every token, so that scanners find a leaked one

Record = Callable[[Session, str, dict[str, str]], None]
"""Writes one entry of the audit trail inside the caller's transaction: kind and facts, never a secret."""


class Opened(NamedTuple):
    """A session as its browser gets it."""

    secret: str
    csrf: str
    principal: Principal


class Person(NamedTuple):
    """An account without its secrets."""

    name: str
    role: Role
    disabled: bool
    portfolios: list[str]
    created: datetime


class Access:
    """The accounts of one installation."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], record: Record) -> None:
        self._engine = engine
        self._now = now
        self._record = record

    def is_set_up(self) -> bool:
        with reading(self._engine) as session:
            return Accounts(session).any()

    def set_up(self, name: str, password: str) -> None:
        """Create the first administrator; refused once there is any user."""
        if self.is_set_up():
            raise Refused(409, "already set up", "there is an administrator; sign in")
        self.add_user(name, Role.ADMIN, (EVERY_PORTFOLIO,), password, by="set-up")

    def add_user(
        self,
        name: str,
        role: Role,
        portfolios: tuple[str, ...],
        password: str | None,
        by: str,
        subject: str | None = None,
    ) -> UUID:
        """Store a person; a `UsageError` for a taken name, a poor password, or no way to sign in."""
        if not OPERATOR.fullmatch(name):
            raise UsageError("a name has small letters, digits, dots, dashes and underscores, 64 at most")
        if password is None and subject is None:
            raise UsageError("a user needs a password or a subject at the identity provider")
        user = User(
            id=uuid4(),
            name=name,
            role=role,
            password=None if password is None else passwords.digest(password, name),
            subject=subject,
            disabled=False,
            created=self._now(),
        )
        with unit_of_work(self._engine) as session:
            Accounts(session).add(user, portfolios)
            facts = {"user": name, "role": role, "portfolios": " ".join(portfolios), "by": by}
            self._record(session, "user-added", facts)
        return user.id

    def people(self) -> list[Person]:
        with reading(self._engine) as session:
            accounts = Accounts(session)
            return [
                Person(
                    user.name,
                    Role(user.role),
                    user.disabled,
                    sorted(accounts.portfolios(user.id)),
                    user.created,
                )
                for user in accounts.all()
            ]

    def change_user(
        self, name: str, by: str, *, role: Role | None = None, disabled: bool | None = None
    ) -> None:
        """Change a person's role or switch the account off or on; either signs them out everywhere."""
        with unit_of_work(self._engine) as session:
            accounts = Accounts(session)
            user = _known(accounts, name)
            user.role = user.role if role is None else role
            user.disabled = user.disabled if disabled is None else disabled
            accounts.end_sessions(user.id, self._now())
            facts = {"user": name, "role": user.role, "disabled": str(user.disabled), "by": by}
            self._record(session, "user-changed", facts)

    def sign_in(self, name: str, password: str, address: str) -> Opened:
        """A new session for the right password; `Refused` with the same words for every wrong guess."""
        now = self._now()
        with reading(self._engine) as session:
            accounts = Accounts(session)
            failures = accounts.failures(name, address, now - LOCKOUT)
            user = accounts.named(name)
        if failures.of_name >= FAILURES_OF_NAME_MAX or failures.of_address >= FAILURES_OF_ADDRESS_MAX:
            self._attempted(name, address, succeeded=False, kind="sign-in-locked")
            raise Refused(429, "locked", "too many failed attempts; wait 15 minutes", retry_after_s=900)
        right = passwords.matches(user.password if user else None, password)
        if user is None or not right or user.disabled:
            self._attempted(name, address, succeeded=False, kind="sign-in-failed")
            raise Refused(401, "sign-in failed", "name or password is wrong")
        self._attempted(name, address, succeeded=True, kind="sign-in")
        return self.open_session(user)

    def sign_in_as(self, subject: str, address: str) -> Opened:
        """A new session for whom the identity provider vouches; people are made by an administrator first."""
        with reading(self._engine) as session:
            user = Accounts(session).of_subject(subject)
        if user is None or user.disabled:
            self._attempted(subject, address, succeeded=False, kind="sign-in-failed")
            raise Refused(403, "no account", "nobody here has this identity; ask an administrator to add it")
        self._attempted(user.name, address, succeeded=True, kind="sign-in")
        return self.open_session(user)

    def open_session(self, user: User) -> Opened:
        secret, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), self._now()
        row = WebSession(digest=sha256(secret), user_id=user.id, csrf=csrf, opened=now, seen=now, ended=None)
        with unit_of_work(self._engine) as session:
            accounts = Accounts(session)
            accounts.keep(row)
            return Opened(secret, csrf, _principal(accounts, user, csrf=csrf))

    def of_session(self, secret: str) -> Principal | None:
        """Who holds this session, or None once it has ended, idled or grown too old."""
        now = self._now()
        with reading(self._engine) as session:
            accounts = Accounts(session)
            found = accounts.session(sha256(secret))
            if found is None:
                return None
            row, user = found
            too_old = now > row.seen + IDLE_MAX or now > row.opened + SESSION_MAX
            if row.ended is not None or user.disabled or too_old:
                return None
            principal = _principal(accounts, user, csrf=row.csrf)
        if now > row.seen + SEEN_STEP:
            self._seen(secret, now)
        return principal

    def sign_out(self, secret: str) -> None:
        with unit_of_work(self._engine) as session:
            found = Accounts(session).session(sha256(secret))
            if found and found[0].ended is None:
                found[0].ended = self._now()
                self._record(session, "sign-out", {"user": found[1].name})

    def add_token(self, owner: str, name: str, scope: Scope, days: int, by: str) -> tuple[UUID, str]:
        """A new token and its secret, which is shown this once."""
        if not 1 <= days <= TOKEN_DAYS_MAX:
            raise UsageError(f"a token lives 1 to {TOKEN_DAYS_MAX} days")
        secret, now = TOKEN_PREFIX + secrets.token_urlsafe(32), self._now()
        with unit_of_work(self._engine) as session:
            accounts = Accounts(session)
            row = ApiToken(
                id=uuid4(),
                user_id=_known(accounts, owner).id,
                name=name,
                digest=sha256(secret),
                scope=scope,
                created=now,
                expires=now + timedelta(days=days),
                revoked=None,
            )
            accounts.keep(row)
            facts = {"user": owner, "token": name, "id": str(row.id), "scope": scope, "by": by}
            self._record(session, "token-added", facts)
        return row.id, secret

    def revoke_token(self, owner: str, token: UUID, by: str) -> None:
        """End a token at once; a `UsageError` if this person has no such token."""
        with unit_of_work(self._engine) as session:
            accounts = Accounts(session)
            held = {row.id: row for row in accounts.tokens(_known(accounts, owner).id)}
            if token not in held:
                raise UsageError(f"{owner} has no token {token}")
            held[token].revoked = held[token].revoked or self._now()
            self._record(session, "token-revoked", {"user": owner, "id": str(token), "by": by})

    def tokens(self, owner: str) -> list[ApiToken]:
        with reading(self._engine) as session:
            accounts = Accounts(session)
            return accounts.tokens(_known(accounts, owner).id)

    def of_token(self, secret: str) -> Principal | None:
        """Whose token it is, or None once it is revoked or expired."""
        with reading(self._engine) as session:
            accounts = Accounts(session)
            found = accounts.token(sha256(secret))
            if found is None:
                return None
            row, user = found
            if row.revoked is not None or self._now() >= row.expires or user.disabled:
                return None
            return _principal(accounts, user, scopes=frozenset({Scope(row.scope)}))

    def _seen(self, secret: str, now: datetime) -> None:
        with unit_of_work(self._engine) as session:
            found = Accounts(session).session(sha256(secret))
            if found:
                found[0].seen = now

    def _attempted(self, name: str, address: str, *, succeeded: bool, kind: str) -> None:
        with unit_of_work(self._engine) as session:
            attempt = SignIn(id=uuid4(), name=name, address=address, at=self._now(), succeeded=succeeded)
            Accounts(session).keep(attempt)
            self._record(session, kind, {"user": name, "address": address})


def sha256(secret: str) -> str:
    """The digest that stands for a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _known(accounts: Accounts, name: str) -> User:
    user = accounts.named(name)
    if user is None:
        raise UsageError(f"there is no user {name}")
    return user


def _principal(
    accounts: Accounts, user: User, *, csrf: str | None = None, scopes: frozenset[Scope] | None = None
) -> Principal:
    return Principal(user.id, user.name, Role(user.role), accounts.portfolios(user.id), scopes, csrf)
