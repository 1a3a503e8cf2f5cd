"""`ballast users`: the people and programs that may reach the API."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.home import HomeOption, home_dir
from trading.errors import UsageError

if TYPE_CHECKING:
    from api.access.service import Access

app = typer.Typer(no_args_is_help=True, help="People who may sign in, and their tokens (docs/access.md).")

DatabaseOption = Annotated[
    str | None,
    typer.Option(envvar="BALLAST_DATABASE", help="URL of the database.", show_default="of the home's --mode"),
]
ModeOption = Annotated[str, typer.Option(help="Which of the home's databases: replay, paper or live.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
BY = "command line"


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What they sign in as.")],
    role: Annotated[str, typer.Option(help="viewer, operator, approver or admin.")] = "viewer",
    portfolio: Annotated[
        list[str] | None,
        typer.Option(help="A portfolio they see; repeat for more, * for all.", show_default="main"),
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Sign in elsewhere: issuer and subject, joined by a space.")
    ] = None,
    database: DatabaseOption = None,
    mode: ModeOption = "replay",
    home: HomeOption = None,
) -> None:
    """Add a person; the password is asked for, or read from a pipe.

    Example: ballast users add grace --role approver
    """
    from api.access.roles import Role

    if role not in set(Role):
        raise UsageError(f"{role} is no role; choose viewer, operator, approver or admin")
    password = None if subject else _password()
    access = _access(database, mode, home)
    access.add_user(name, Role(role), tuple(portfolio or ["main"]), password, by=BY, subject=subject)
    typer.echo(f"{name} is {role} now")


@app.command("list")
def show(
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    mode: ModeOption = "replay",
    home: HomeOption = None,
) -> None:
    """List everybody."""
    people = [person._asdict() for person in _access(database, mode, home).people()]
    if as_json:
        typer.echo(json.dumps(people, default=str))
        return
    for person in people:
        state = "disabled" if person["disabled"] else person["role"]
        typer.echo(f"{person['name']:20} {state:10} {' '.join(person['portfolios'])}")


@app.command("disable")
def disable(
    name: str, database: DatabaseOption = None, mode: ModeOption = "replay", home: HomeOption = None
) -> None:
    """Switch an account off; its sessions end at once."""
    _access(database, mode, home).change_user(name, by=BY, disabled=True)
    typer.echo(f"{name} is disabled")


@app.command("token")
def token(
    name: Annotated[str, typer.Argument(help="Whose token it is.")],
    label: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    scope: Annotated[str, typer.Option(help="read, or command for all that its owner may do.")] = "read",
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it is valid.")] = 90,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
    mode: ModeOption = "replay",
    home: HomeOption = None,
) -> None:
    """Make a token for a program; it is shown this once.

    Example: ballast users token grace --label grafana --scope read
    """
    from api.access.roles import Scope

    if scope not in set(Scope):
        raise UsageError(f"{scope} is no scope; choose read or command")
    id, secret = _access(database, mode, home).add_token(name, label, Scope(scope), days, by=BY)
    typer.echo(json.dumps({"id": str(id), "token": secret}) if as_json else f"{secret}\n(id {id})")


@app.command("revoke")
def revoke(
    name: str,
    id: Annotated[str, typer.Argument(help="The token's id, as it was shown when it was made.")],
    database: DatabaseOption = None,
    mode: ModeOption = "replay",
    home: HomeOption = None,
) -> None:
    """End a token at once."""
    try:
        parsed = UUID(id)
    except ValueError as error:
        raise UsageError(f"{id} is no token id; `ballast users token` shows it when it makes one") from error
    _access(database, mode, home).revoke_token(name, parsed, by=BY)
    typer.echo("revoked")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    chosen: str = typer.prompt("password", hide_input=True, confirmation_prompt=True)
    return chosen


def _access(database: str | None, mode: str, home: Path | None) -> "Access":
    from adapters.storage.engine import connect, sqlite_url
    from adapters.storage.migrate import upgrade
    from api.access.service import Access
    from api.records import record
    from cli.supervisor.house import House

    file = House(home_dir(home)).database(mode)
    if database is None and not file.exists():
        raise UsageError(
            f"there is no database of mode {mode} in {home_dir(home)} yet; `ballast up` makes it"
        )
    engine = connect(database or sqlite_url(file))
    upgrade(engine)
    return Access(engine, lambda: datetime.now(UTC), record)
