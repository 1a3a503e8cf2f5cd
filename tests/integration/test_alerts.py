"""Alerts leave once by every channel, over real HTTP and SMTP, whatever breaks in between."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from sqlalchemy import Engine

from adapters.alerts import (
    AlertOutbox,
    AlertSettings,
    Email,
    EmailChannel,
    LogChannel,
    Webhook,
    WebhookChannel,
)
from adapters.clock import SystemClock
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import unit_of_work
from adapters.storage.outbox import post
from tests.devserver import free_ports
from tests.halting import database
from tests.stored import NOW
from trading.errors import UsageError
from worker.alerting import delivering

KEY = PortfolioKey("replay-a", "main")


class Inbox(Message):
    """Keeps the mails that its server took."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)


class Hook:
    """An HTTP server that keeps what it was told and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.told: list[tuple[str, dict[str, Any]]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if hook.status == 200:
                    hook.told.append((self.headers["Idempotency-Key"], body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, Email]]:
    inbox = Inbox()
    (port,) = free_ports(1)
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    recipients = ("ops@example.org", "ada@example.org")
    yield (
        inbox,
        Email(host="127.0.0.1", port=port, sender="ballast@example.org", recipients=recipients, tls=False),
    )
    controller.stop()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = database(tmp_path, KEY)
    with unit_of_work(engine) as session:
        for name in ("halt/main/1", "halt/main/1", "late-hour/x"):
            post(session, KEY.track, name, name.split("/")[0], KEY.portfolio, f"{name}: look", NOW)
    return engine


def test_each_alert_leaves_once_by_each_channel(
    engine: Engine, hook: Hook, inbox: tuple[Inbox, Email], caplog: pytest.LogCaptureFixture
) -> None:
    channels = [LogChannel(), WebhookChannel(Webhook(url=hook.url)), EmailChannel(inbox[1])]
    outbox = AlertOutbox(engine, channels, SystemClock())
    assert [outbox.deliver(KEY.track) for _ in range(3)] == [0, 0, 0]
    assert [body["alert"] for _, body in hook.told] == ["halt/main/1", "late-hour/x"]
    assert hook.told[0][1]["message"] == "halt/main/1: look"
    assert [mail["Subject"] for mail in inbox[0].mails] == ["Ballast: halt main", "Ballast: late-hour main"]
    assert inbox[0].mails[0]["To"] == "ops@example.org, ada@example.org"
    assert [record.message for record in caplog.records] == ["halt/main/1: look", "late-hour/x: look"]


def test_a_channel_that_is_down_is_tried_again_and_holds_up_no_other(
    engine: Engine, hook: Hook, inbox: tuple[Inbox, Email]
) -> None:
    outbox = AlertOutbox(
        engine, [WebhookChannel(Webhook(url=hook.url)), EmailChannel(inbox[1])], SystemClock()
    )
    hook.status = 503
    assert outbox.deliver(KEY.track) == 2
    assert len(inbox[0].mails) == 2
    hook.status = 200
    assert outbox.deliver(KEY.track) == 0
    assert (len(hook.told), len(inbox[0].mails)) == (2, 2)


def test_an_address_where_nobody_listens_is_a_channel_that_is_down(engine: Engine) -> None:
    gone = Email(host="127.0.0.1", port=1, sender="a@b", recipients=("c@d",), tls=False)
    channels = [WebhookChannel(Webhook(url="http://127.0.0.1:1/")), EmailChannel(gone)]
    assert AlertOutbox(engine, channels, SystemClock()).deliver(KEY.track) == 4


def test_a_crash_after_the_sending_sends_the_same_identity_again(
    engine: Engine, hook: Hook, inbox: tuple[Inbox, Email], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(Exception): ...

    class Broken(SystemClock):
        def now(self) -> Any:
            raise Crash

    channels = [WebhookChannel(Webhook(url=hook.url)), EmailChannel(inbox[1])]
    for channel in channels:
        with pytest.raises(Crash):
            AlertOutbox(engine, [channel], Broken()).deliver(KEY.track)
    assert AlertOutbox(engine, channels, SystemClock()).deliver(KEY.track) == 0
    keys = [key for key, _ in hook.told]
    assert (len(keys), len(set(keys))) == (3, 2)
    ids = [mail["Message-ID"] for mail in inbox[0].mails]
    assert (len(ids), len(set(ids))) == (3, 2)


def test_many_deliverers_at_once_deliver_once(engine: Engine, hook: Hook) -> None:
    outbox = AlertOutbox(engine, [WebhookChannel(Webhook(url=hook.url))], SystemClock())
    threads = [threading.Thread(target=outbox.deliver, args=(KEY.track,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hook.told) == 2


def test_channels_are_set_up_by_a_file(tmp_path: Path, hook: Hook, engine: Engine) -> None:
    assert [channel.name for channel in AlertSettings.load(tmp_path / "none.toml").channels()] == ["log"]
    file, token = tmp_path / "alerts.toml", tmp_path / "token"
    token.write_text("secret\n")
    mail = 'host = "127.0.0.1"\nport = 25\nsender = "a@b"\nrecipients = ["c@d"]\ntls = false'
    file.write_text(f'[webhook]\nurl = "{hook.url}"\nbearer_file = "token"\n[email]\n{mail}\n')
    settings = AlertSettings.load(file)
    assert [channel.name for channel in settings.channels()] == ["log", "webhook", "email"]
    assert "secret" not in repr(settings)
    assert AlertOutbox(engine, settings.channels()[:2], SystemClock()).deliver(KEY.track) == 0
    for wrong in ("[webhook]\nlink = 'x'", "[email", f"[email]\n{mail}".replace("127.0.0.1", "example.org")):
        file.write_text(wrong)
        with pytest.raises(UsageError, match="is not valid"):
            AlertSettings.load(file)


def test_a_worker_empties_the_outbox_whatever_breaks(tmp_path: Path, hook: Hook, engine: Engine) -> None:
    (tmp_path / "alerts.toml").write_text(f'[webhook]\nurl = "{hook.url}"\nbearer_file = "token"\n')
    with delivering(str(engine.url), tmp_path, KEY.track, every_s=0.02):
        time.sleep(0.2)  # The token is missing: every delivery fails.
        assert hook.told == []
        (tmp_path / "token").write_text("secret")
        for _ in range(200):
            if len(hook.told) == 2:
                break
            time.sleep(0.02)
    assert [body["alert"] for _, body in hook.told] == ["halt/main/1", "late-hour/x"]
