"""`ballast halt`: look at the trading state, halt, and review a halt."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from uuid import uuid4

import typer
from rich.console import Console
from rich.table import Table

from cli.home import HomeOption
from cli.stored import Stored, TrackOption, find
from trading.errors import UsageError, VenueUnavailable

if TYPE_CHECKING:
    from activities.halt_messages import HaltStatus, ReviewOut
    from adapters.storage.trading_state import HaltEvent, TradingStates
    from temporal.guards import Guards
    from trading.risk.trading_state import Standing, Tellings

app = typer.Typer(no_args_is_help=True, help="Look at the trading state, halt, and review a halt.")

EVENTS_SHOWN = 8
STYLES = {"ACTIVE": "green", "REDUCING": "yellow", "HALTED": "red"}

HaltArgument = Annotated[str, typer.Argument(help="The halt's name, as `ballast halt status` shows it.")]
OperatorOption = Annotated[str, typer.Option(help="Who you are: small letters, digits, dots, dashes.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it is kept for ever, with your name.")]
SignatureOption = Annotated[str, typer.Option(help="In live: what `ballast halt sign` printed.")]
PortfolioOption = Annotated[
    str | None, typer.Option(help="Look at this portfolio.", show_default="the one that ran last")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def status(
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show what holds, who says so, and how far a review has come.

    Three tell the trading state: the guard (a workflow), the row in the
    database, the last entry of the audit log. The tightest holds, and one that
    is missing keeps entries out.
    """
    from trading.risk.trading_state import Standing, Tellings

    seat = _seat(home, track, portfolio)
    told = _guard_status(seat)
    row, audit = _states(seat).tellings(*seat.key)
    tellings = Tellings(Standing(told.state, told.epoch) if told else None, row, audit)
    events = _states(seat).history(*seat.key, most=EVENTS_SHOWN)
    if as_json:
        typer.echo(json.dumps(_as_json(seat, tellings, told, events)))
    else:
        _print(seat, tellings, told, events)


@app.command()
def trip(
    operator: OperatorOption,
    reason: ReasonOption,
    flatten: Annotated[bool, typer.Option("--flatten", help="Sell everything that is held, too.")] = False,
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Halt now: no entries until a resume is requested and approved.

    Works with the engine down: the row in the database is tightened first, and
    every entry reads it right before it leaves. Exits and cancels always pass.

    With --flatten the next hour's decision sells every holding whole, and each
    hour after it what is left, until the halt is lifted. Stops rest until then.
    """
    from activities.halt_messages import TripIn
    from trading.risk.halt_events import TRIPPED, Told
    from trading.risk.trading_state import HALTED, OPERATOR, Cause, Standing

    if not OPERATOR.fullmatch(operator) or not reason.strip():
        raise UsageError("name yourself by small letters, digits, dots and dashes, and give a reason")
    seat, id = _seat(home, track, portfolio), str(uuid4())
    known = _states(seat).tellings(*seat.key)[0] or Standing(HALTED, 0)
    wanted = Standing(HALTED, known.epoch + 1)
    cause = Cause.FLATTEN if flatten else Cause.MANUAL
    said = Told(id, TRIPPED, operator, f"{cause}: {reason}", known, wanted, flattening=flatten)
    held = _states(seat).record(*seat.key, said).standing
    halt = _states(seat).halt(*seat.key)
    update = TripIn(cause=cause, operator=operator, reason=reason, request_id=id)
    try:
        _guards(seat).trip(*seat.key, update, id)
        guard = "the guard halted too and cancels working entries"
    except VenueUnavailable:
        guard = (
            "the guard does not answer; it takes the halt over when it is back. Until then nobody cancels "
            "entries that already rest at the venue; they expire there by themselves within the hour"
        )
    if as_json:
        typer.echo(json.dumps({"halt_id": halt, **held._asdict(), "guard": guard}))
    else:
        typer.echo(f"halted: {halt}. {guard}")


@app.command("request-resume")
def request_resume(
    halt: HaltArgument,
    operator: OperatorOption,
    reason: ReasonOption,
    signature: SignatureOption = "",
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Ask for a resume; somebody else must approve it."""
    from trading.risk.trading_state import REQUEST

    seat = _seat(home, track, portfolio)
    _answer(_review(seat, REQUEST, halt, operator, reason, signature), as_json)


@app.command()
def approve(
    halt: HaltArgument,
    operator: OperatorOption,
    reason: ReasonOption,
    signature: SignatureOption = "",
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Approve a resume that somebody else requested; the last approval required resumes."""
    from trading.risk.trading_state import APPROVE

    seat = _seat(home, track, portfolio)
    _answer(_review(seat, APPROVE, halt, operator, reason, signature), as_json)


@app.command()
def sign(
    halt: HaltArgument,
    role: Annotated[str, typer.Option(help="request or approve.")],
    reason: ReasonOption,
    key: Annotated[Path, typer.Option(help="Your private key, which nobody else may read.", exists=True)],
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    home: HomeOption = None,
) -> None:
    """Print your signature of one act of review, to hand in with exactly these words.

    Signed are track, portfolio, halt, reason and role.
    """
    from adapters.audit.keys import load
    from trading.risk.trading_state import ROLES, Act, signed_bytes

    if role not in ROLES:
        raise UsageError(f"a role is {' or '.join(ROLES)}")
    seat = _seat(home, track, portfolio)
    said = Act(halt, "", role, reason)
    typer.echo(load(key.parent, key.name).sign(signed_bytes(*seat.key, said)))


@app.command("key")
def make_key(
    file: Annotated[Path, typer.Argument(help="Where to keep the private key; must not exist yet.")],
) -> None:
    """Make a key to sign reviews with, and print its public half.

    Hand the public half to whoever runs Ballast: it belongs into
    operators/NAME.pub of the track's folder.
    """
    from adapters.audit.keys import make

    if file.exists():
        raise UsageError(f"{file} exists; a key is never written over")
    typer.echo(make(file.absolute().parent, file.name).public)


def _seat(home: Path | None, track: str | None, portfolio: str | None) -> Stored:
    """The stored track, at the portfolio that was named."""
    from dataclasses import replace

    seat = find(home, track)
    return replace(seat, key=seat.key._replace(portfolio=portfolio)) if portfolio else seat


def _states(seat: Stored) -> "TradingStates":
    from adapters.storage.track_time import TrackTime
    from adapters.storage.trading_state import TradingStates

    return TradingStates(seat.engine, TrackTime(seat.engine, seat.key))


def _guards(seat: Stored) -> "Guards":
    from cli.supervisor.parts import TEMPORAL
    from temporal.client import Server
    from temporal.guards import Guards

    def server() -> Server:
        last = seat.house.last()
        if last is None:
            raise VenueUnavailable("nothing ran here yet; `ballast up` starts it")
        return Server(last.addresses[TEMPORAL].removeprefix("http://"), last.namespace)

    return Guards(server)


def _guard_status(seat: Stored) -> "HaltStatus | None":
    try:
        return _guards(seat).status(*seat.key)
    except VenueUnavailable:
        return None


def _review(seat: Stored, role: str, halt: str, operator: str, reason: str, signature: str) -> "ReviewOut":
    from activities.halt_messages import ReviewIn

    said = ReviewIn(halt_id=halt, operator=operator, role=role, reason=reason, signature=signature)
    return _guards(seat).review(*seat.key, said)


def _answer(out: "ReviewOut", as_json: bool) -> None:
    """Print what came of an act; ends with status 1 if it was refused."""
    if as_json:
        typer.echo(out.model_dump_json())
    elif out.accepted:
        left = out.approvals_required - len(out.approvers)
        more = f"; {left} more must approve" if out.state == "HALTED" else ""
        typer.echo(f"accepted: trading is {out.state}{more}")
    if not out.accepted:
        _refuse(out.refusal, as_json)


def _refuse(why: str, as_json: bool) -> NoReturn:
    if not as_json:
        Console(stderr=True).print(f"refused: {why}", style="red", markup=False, highlight=False)
    raise typer.Exit(1)


def _as_json(
    seat: Stored, tellings: "Tellings", told: "HaltStatus | None", events: "list[HaltEvent]"
) -> dict[str, Any]:
    from trading.risk.trading_state import effective

    named = zip(tellings._fields, tellings, strict=True)
    return {
        **seat.key._asdict(),
        **effective(tellings)._asdict(),
        "tellings": {name: told._asdict() if told else None for name, told in named},
        "guard": told.model_dump(mode="json") if told else None,
        "events": [{**event.facts(), "at": event.at.isoformat()} for event in events],
    }


def _print(seat: Stored, tellings: "Tellings", told: "HaltStatus | None", events: "list[HaltEvent]") -> None:
    from trading.risk.trading_state import effective

    console, held = Console(), effective(tellings)
    style = STYLES[held.state]
    console.print(f"[{style}]{held.state}[/] · {seat.key.portfolio} on {seat.key.track}", highlight=False)
    for name, telling in zip(tellings._fields, tellings, strict=True):
        console.print(f"  {name:9}{_words(telling)}", highlight=False)
    if told:
        _print_review(console, told)
    table = Table("when", "what", "halt", "by", "reason", "refused because", title="last events")
    for event in events:
        when = f"{event.at:%Y-%m-%d %H:%M}Z"
        table.add_row(when, event.what, event.halt, event.operator, event.reason, event.refusal)
    console.print(table)


def _print_review(console: Console, told: "HaltStatus") -> None:
    if told.clear_h:
        waits = ", ".join(f"{name} {hours} h" for name, hours in told.clear_h.items())
        console.print(f"clean hours wanted: {waits}", highlight=False)
    if not told.halt_id:
        return
    over = "all over" if told.entries_cancelled else "being cancelled"
    console.print(f"{told.halt_id}: {', '.join(told.causes)}; working entries {over}", highlight=False)
    if told.requester:
        approved = ", ".join(told.approvers) or "nobody yet"
        console.print(
            f"resume requested by {told.requester}, approved by {approved} "
            f"({told.approvals_required} wanted)",
            highlight=False,
        )
    else:
        console.print(f"next: ballast halt request-resume {told.halt_id} --operator YOU --reason WHY")


def _words(telling: "Standing | None") -> str:
    return f"{telling.state} at epoch {telling.epoch}" if telling else "missing: no entries"
