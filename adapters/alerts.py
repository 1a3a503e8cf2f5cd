"""Alerts leave the outbox by every channel that is set up: log, webhook, e-mail.

An alert is written in the transaction of what it tells, so nothing that happened goes untold. It leaves once
by each channel: one process at a time delivers, and each delivery has its row. Should a crash fall between
the sending and the row, it is sent again under the same identity (`Idempotency-Key`, `Message-ID`), by which
receivers drop the second one.
"""

import hashlib
import logging
import smtplib
import ssl
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from sqlalchemy import Engine, exists, select, text

from adapters.clock import Clock
from adapters.files import locked
from adapters.observability import ALERTS
from adapters.storage.engine import POSTGRESQL, reading, unit_of_work
from adapters.storage.outbox import Alert, Delivery
from trading.errors import UsageError

log = logging.getLogger("ballast.alerts")

TIMEOUT_S = 10.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")
LOCK = 0x414C4552
"""Names the lock that lets one process deliver from a PostgreSQL database; any number will do."""


class Untaken(Exception):
    """A channel did not take an alert; it is tried again."""


class Channel(Protocol):
    """A way to a person."""

    name: str

    def send(self, alert: Alert) -> None:
        """Hand an alert over; raises `Untaken`."""
        ...


class Webhook(BaseModel):
    """A POST of one JSON object for each alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str
    bearer_file: Path | None = None
    """Holds a token for the Authorization header."""


class Email(BaseModel):
    """A mail for each alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    tls: bool = True
    """STARTTLS before anything else; without it only to a server on this machine."""
    user: str = ""
    password_file: Path | None = None

    @model_validator(mode="after")
    def _check_tls(self) -> "Email":
        if not self.tls and self.host not in LOOPBACK:
            raise ValueError("mail without TLS goes to a server on this machine only")
        return self


class AlertSettings(BaseModel):
    """The channels beside the log, from `alerts.toml`; secrets stay in files that it names."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    webhook: Webhook | None = None
    email: Email | None = None

    @classmethod
    def load(cls, file: Path) -> "AlertSettings":
        """A file that is missing sets up nothing; one that is wrong is a `UsageError`.

        Files that it names lie beside it, unless their paths say otherwise.
        """
        if not file.exists():
            return cls()
        try:
            told = tomllib.loads(file.read_text())
            for group, name in (("webhook", "bearer_file"), ("email", "password_file")):
                if name in told.get(group, {}):
                    told[group][name] = file.parent / told[group][name]
            return cls.model_validate(told)
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise UsageError(f"{file} is not valid: {error}") from error

    def channels(self) -> list[Channel]:
        found: list[Channel] = [LogChannel()]
        if self.webhook:
            found.append(WebhookChannel(self.webhook))
        if self.email:
            found.append(EmailChannel(self.email))
        return found


class LogChannel:
    """The log of the process that delivers."""

    name = "log"

    def send(self, alert: Alert) -> None:
        extra = {"alert": alert.alert, "track": alert.track, "portfolio": alert.portfolio, "kind": alert.kind}
        log.warning("%s", alert.message, extra=extra)


class WebhookChannel:
    """A POST to an address; any answer of 200 to 299 takes the alert."""

    name = "webhook"

    def __init__(self, settings: Webhook) -> None:
        self._settings = settings

    def send(self, alert: Alert) -> None:
        headers = {"Idempotency-Key": identity(alert)}
        if self._settings.bearer_file:
            headers["Authorization"] = f"Bearer {self._settings.bearer_file.read_text().strip()}"
        names = ("track", "portfolio", "alert", "kind", "message")
        body = {name: getattr(alert, name) for name in names} | {"at": alert.at.isoformat()}
        try:
            answer = httpx.post(self._settings.url, json=body, headers=headers, timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            raise Untaken(f"webhook: {type(error).__name__}") from error
        if not answer.is_success:
            raise Untaken(f"webhook: status {answer.status_code}")


class EmailChannel:
    """A mail by SMTP."""

    name = "email"

    def __init__(self, settings: Email) -> None:
        self._settings = settings

    def send(self, alert: Alert) -> None:
        settings, mail = self._settings, EmailMessage()
        mail["From"], mail["To"] = settings.sender, ", ".join(settings.recipients)
        mail["Subject"] = f"Ballast: {alert.kind} {alert.portfolio or alert.track}"
        mail["Date"] = format_datetime(alert.at)
        mail["Message-ID"] = f"<{identity(alert)}@{settings.sender.rpartition('@')[2]}>"
        mail.set_content(f"{alert.message}\n\n{alert.track} · {alert.alert}\n")
        try:
            with smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S) as server:
                if settings.tls:
                    server.starttls(context=ssl.create_default_context())
                if settings.user and settings.password_file:
                    server.login(settings.user, settings.password_file.read_text().strip())
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise Untaken(f"email: {type(error).__name__}") from error


def identity(alert: Alert) -> str:
    """The same for the same alert, however often it is sent."""
    return hashlib.sha256(f"{alert.track}\n{alert.alert}".encode()).hexdigest()


class AlertOutbox:
    """The outbox of one database."""

    def __init__(self, engine: Engine, channels: Sequence[Channel], clock: Clock) -> None:
        self._engine = engine
        self._channels = channels
        self._clock = clock

    def deliver(self, track: str) -> int:
        """Send what has not left, oldest first; returns how many deliveries could not be made.

        A channel that does not take an alert is left alone for this time, so that the others go on.
        """
        waiting = 0
        with _alone(self._engine):
            for channel in self._channels:
                alerts = self._undelivered(track, channel.name)
                for left, alert in enumerate(alerts):
                    try:
                        channel.send(alert)
                    except Untaken as error:
                        log.warning("alert not taken, it will be tried again: %s", error)
                        waiting += len(alerts) - left
                        break
                    with unit_of_work(self._engine) as session:
                        now = self._clock.now()
                        session.add(Delivery(track=track, alert=alert.alert, channel=channel.name, at=now))
                    ALERTS.labels(alert.kind, channel.name).inc()
        return waiting

    def _undelivered(self, track: str, channel: str) -> Sequence[Alert]:
        left = exists().where(
            Delivery.track == Alert.track, Delivery.alert == Alert.alert, Delivery.channel == channel
        )
        query = select(Alert).where(Alert.track == track, ~left).order_by(Alert.at, Alert.alert)
        with reading(self._engine) as session:
            return session.scalars(query).all()


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """One process at a time; SQLite's file is on one machine, so a lock beside it will do."""
    if engine.dialect.name == POSTGRESQL:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        return
    with locked(Path(engine.url.database or "").parent / "outbox"):
        yield
