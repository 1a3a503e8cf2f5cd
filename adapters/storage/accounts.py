"""People, what they may see, how they prove who they are, and every time they tried.

Secrets are kept as digests only: Argon2 for passwords, SHA-256 for sessions and tokens, which are random and
long. What changes about a person changes in place; the audit trail holds the history.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from adapters.storage.base import Base, Digest, one_of
from trading.errors import UsageError

ROLES = ("viewer", "operator", "approver", "admin")
SCOPES = ("read", "command")
EVERY_PORTFOLIO = "*"
"""A grant that covers all portfolios of the database, for whoever runs it alone."""


class User(Base):
    """One person."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password: Mapped[str | None]
    """Argon2id in its own notation; None for whoever signs in elsewhere."""
    subject: Mapped[str | None] = mapped_column(unique=True)
    """Issuer and subject at an identity provider, joined by a space."""
    disabled: Mapped[bool]
    created: Mapped[datetime]

    __table_args__ = (one_of("role", ROLES),)


class Grant(Base):
    """A portfolio that a person may see; nothing is seen without one."""

    __tablename__ = "grants"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    portfolio: Mapped[str] = mapped_column(primary_key=True)


class WebSession(Base):
    """One browser that signed in."""

    __tablename__ = "web_sessions"

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    csrf: Mapped[str]
    opened: Mapped[datetime]
    seen: Mapped[datetime]
    ended: Mapped[datetime | None]


class ApiToken(Base):
    """One program's key."""

    __tablename__ = "api_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    digest: Mapped[Digest] = mapped_column(unique=True)
    scope: Mapped[str]
    created: Mapped[datetime]
    expires: Mapped[datetime]
    revoked: Mapped[datetime | None]

    __table_args__ = (one_of("scope", SCOPES),)


class SignIn(Base):
    """One attempt to sign in, by the name and the address it came from."""

    __tablename__ = "sign_ins"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]
    succeeded: Mapped[bool]


class Failures(NamedTuple):
    """Attempts that failed lately."""

    of_name: int
    of_address: int


class Accounts:
    """The accounts of one database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def any(self) -> bool:
        return self._session.scalar(select(User.id).limit(1)) is not None

    def all(self) -> list[User]:
        return list(self._session.scalars(select(User).order_by(User.name)))

    def add(self, user: User, portfolios: tuple[str, ...]) -> None:
        """Store a new person with the portfolios they see; a taken name is a `UsageError`."""
        if self.named(user.name) is not None:
            raise UsageError(f"there is a user {user.name} already; choose another name")
        self._session.add(user)
        self._session.flush()
        self._session.add_all(Grant(user_id=user.id, portfolio=portfolio) for portfolio in portfolios)
        self._session.flush()

    def named(self, name: str) -> User | None:
        return self._session.scalar(select(User).where(User.name == name))

    def of_subject(self, subject: str) -> User | None:
        return self._session.scalar(select(User).where(User.subject == subject))

    def portfolios(self, user: UUID) -> frozenset[str]:
        return frozenset(self._session.scalars(select(Grant.portfolio).where(Grant.user_id == user)))

    def grant(self, user: UUID, portfolios: frozenset[str]) -> None:
        """Make these the portfolios that a person sees."""
        held = {
            grant.portfolio: grant for grant in self._session.scalars(select(Grant).filter_by(user_id=user))
        }
        for gone in held.keys() - portfolios:
            self._session.delete(held[gone])
        self._session.add_all(Grant(user_id=user, portfolio=new) for new in portfolios - held.keys())
        self._session.flush()

    def session(self, digest: str) -> tuple[WebSession, User] | None:
        query = select(WebSession, User).join(User, User.id == WebSession.user_id)
        found = self._session.execute(query.where(WebSession.digest == digest)).first()
        return (found[0], found[1]) if found else None

    def token(self, digest: str) -> tuple[ApiToken, User] | None:
        query = select(ApiToken, User).join(User, User.id == ApiToken.user_id)
        found = self._session.execute(query.where(ApiToken.digest == digest)).first()
        return (found[0], found[1]) if found else None

    def tokens(self, user: UUID) -> list[ApiToken]:
        query = select(ApiToken).where(ApiToken.user_id == user)
        return list(self._session.scalars(query.order_by(ApiToken.created, ApiToken.id)))

    def keep(self, row: WebSession | ApiToken | SignIn) -> None:
        self._session.add(row)
        self._session.flush()

    def end_sessions(self, user: UUID, now: datetime) -> None:
        """Sign a person out everywhere."""
        for held in self._session.scalars(select(WebSession).filter_by(user_id=user, ended=None)):
            held.ended = now
        self._session.flush()

    def failures(self, name: str, address: str, since: datetime) -> Failures:
        """Failed attempts since then; those of the name count from its last success."""
        succeeded = select(func.max(SignIn.at)).where(SignIn.name == name, SignIn.succeeded)
        last = self._session.scalar(succeeded)
        failed = select(func.count()).select_from(SignIn).where(~SignIn.succeeded)
        of_name = failed.where(SignIn.name == name, SignIn.at > max(last or since, since))
        of_address = failed.where(SignIn.address == address, SignIn.at > since)
        return Failures(self._session.scalar(of_name) or 0, self._session.scalar(of_address) or 0)
