"""`ballast findings`: what a comparison with the venue left open, and that somebody looked."""

import json
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.home import HomeOption
from cli.stored import TrackOption, find
from trading.errors import UsageError

app = typer.Typer(
    no_args_is_help=True, help="See what a comparison with the venue left open, and say that you looked."
)


@app.command("list")
def list_(
    track: TrackOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    home: HomeOption = None,
) -> None:
    """Show whatever keeps entries out: findings, orders of unknown fate, unexplained balances.

    A finding is an order or trade at the venue that is not ours, or not as we know it. Its instrument takes
    no entries until somebody has looked at it. Balances are in the units of the database: 1e-8 of the quote
    currency, lots of everything else.
    """
    from adapters.storage.engine import reading
    from adapters.storage.order_book import OrderBook
    from adapters.storage.reconciliations import Reconciliations

    stored = find(home, track)
    with reading(stored.engine) as session:
        books = Reconciliations(session, stored.key)
        findings, latest = books.unreviewed(), books.latest()
        unknown = OrderBook(session, stored.key).unsettled()
    open_: dict[str, list[tuple[str, ...]]] = {
        "findings": [(str(one.id), *map(str, one[1:])) for one in findings],
        "orders": [
            (str(one.id), str(one.state), one.instruction.instrument, str(one.instruction.lots))
            for one in unknown
        ],
        "balances": [(asset, str(units)) for asset, units in (latest[1] if latest else {}).items()],
    }
    if as_json:
        compared = latest[0].isoformat() if latest else None
        typer.echo(json.dumps({"track": stored.key.track, "compared": compared, **open_}))
        return
    when = f"last compared {latest[0]:%Y-%m-%d %H:%M} UTC" if latest else "never compared with the venue"
    typer.echo(f"{stored.key.track} {stored.key.portfolio}: {when}")
    _print("findings", ("id", "what", "instrument", "at the venue", "note"), open_["findings"])
    _print("orders of unknown fate", ("id", "state", "instrument", "lots"), open_["orders"])
    _print("unexplained balances", ("asset", "units"), open_["balances"])


@app.command()
def review(
    finding: Annotated[UUID, typer.Argument(help="Its id, from `findings list`.", show_default=False)],
    operator: Annotated[str, typer.Option(help="Who looked.", show_default=False)],
    reason: Annotated[str, typer.Option(help="What it was and what was done about it.", show_default=False)],
    track: TrackOption = None,
    home: HomeOption = None,
) -> None:
    """Say that you have looked at a finding: its instrument may take entries again.

    The word is kept for ever, with your name, in the database and in the audit log. It books nothing and
    adopts nothing: what is not ours is never made ours.
    """
    from adapters.storage.engine import unit_of_work
    from adapters.storage.reconciliations import Reconciliations

    if not operator.strip() or not reason.strip():
        raise UsageError("a review names who looked and what it was")
    stored = find(home, track)
    with unit_of_work(stored.engine, stored.key) as session:
        Reconciliations(session, stored.key).review(finding, operator, reason, datetime.now(UTC))
    typer.echo(f"finding {finding} is reviewed by {operator}")


def _print(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if not rows:
        typer.echo(f"no {title}")
        return
    table = Table(title=title)
    for column in columns:
        # Ids are copied into the next command: they are never cut short.
        table.add_column(column, overflow="fold", no_wrap=column in ("id", "what"))
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
