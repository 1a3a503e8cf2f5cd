"""`ballast migrate`: bring a database to the schema that this version was written for."""

import json
from typing import Annotated

import typer

from cli.home import HomeOption, home_dir
from trading.errors import UsageError


def migrate(
    database: Annotated[
        str | None,
        typer.Option(
            envvar="BALLAST_DATABASE", help="URL of the database.", show_default="of the home's --mode"
        ),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="Which of the home's databases: replay, paper or live.")
    ] = "replay",
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if the schema is another.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    home: HomeOption = None,
) -> None:
    """Upgrade the schema of a database, in one transaction; safe to repeat.

    Run it before a release that changes the schema. A change fits the release
    before it too, so that the old one goes on while the new one starts.

    Example: ballast migrate --database postgresql://owner@db/ballast
    """
    from adapters.storage.engine import connect, sqlite_url
    from adapters.storage.migrate import head, revision, upgrade
    from cli.supervisor.house import House

    file = House(home_dir(home)).database(mode)
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = connect(database or sqlite_url(file))
    before, after = revision(engine), head()
    if check and before != after:
        raise UsageError(
            f"the schema is {before or 'empty'}, this version needs {after}; run ballast migrate"
        )
    upgrade(engine)
    told = {"from": before, "to": after}
    same = "the schema is already " if before == after else f"from {before or 'nothing'} to "
    typer.echo(json.dumps(told) if as_json else same + after)
