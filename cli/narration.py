"""One hour in a few lines: what was seen, predicted, decided, allowed, sent and filled, and why nothing was.

Colour only underlines what the words say: the same lines are complete without it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from adapters.storage.story import Account, Filled, Sent, Story, Verdict

GOOD, CALM, WARN, BAD, FAINT = "green", "cyan", "yellow", "bold red", "dim"
OUTCOME_STYLES = {"TRADED": GOOD, "NO_CHANGE": CALM, "WARMUP": CALM, "OPEN": CALM, "HALTED": BAD}
STATE_STYLES = {"ACTIVE": GOOD, "REDUCING": WARN, "HALTED": BAD}
STAGES = ("fetch", "features", "predict")
LABEL_WIDTH = 11
DIGEST_SHOWN = 10


def narrate(of: "Story", *, everything: bool = False) -> Iterator[Text]:
    """The hour as lines; an hour without news is two, unless `everything` is asked for."""
    yield headline(of)
    if of.verdicts or of.orders or of.fills or everything:
        for stage in STAGES:
            if stage in of.stages:
                yield line(stage, told(of.stages[stage]))
    if of.verdicts:
        yield line("decision", ", ".join(wish(verdict) for verdict in of.verdicts))
        yield line("risk", "; ".join(ruling(verdict) for verdict in of.verdicts))
    for order in of.orders:
        yield line("order", sent(order))
    for fill in of.fills:
        yield line("fill", filled(fill))
    if everything:
        for instrument, reason in sorted(of.why_not.items()):
            yield line("no trade", f"{instrument}: {reason}")
    elif not of.verdicts and of.why_not:
        yield line("no trade", reasons(of.why_not))
    if of.account and of.account.state != "ACTIVE":
        yield line("halt", guarded(of.account), STATE_STYLES[of.account.state])
    if of.proof and (everything or of.proof != "HELD"):
        yield line("proof", of.proof, GOOD if of.proof == "HELD" else BAD)


def headline(of: "Story") -> Text:
    """Hour, outcome, account."""
    text = Text(f"{of.asof:%Y-%m-%d %H:%M}Z  ", style="bold")
    text.append(f"{of.outcome:<12}", style=OUTCOME_STYLES.get(of.outcome, WARN))
    if of.account:
        mark = of.account
        text.append(f"equity {mark.equity:>14,.2f}  ")
        text.append(f"exposure {mark.exposure:6.2%}  drawdown {mark.risk_drawdown:6.2%}", style=FAINT)
    if of.reason:
        text.append(f"  {of.reason}", style=WARN)
    return text


def line(label: str, said: str, style: str = "") -> Text:
    text = Text(f"  {label:<{LABEL_WIDTH}}", style=FAINT)
    return text.append(said, style=style)


def told(summary: Mapping[str, Any]) -> str:
    """A stage's summary; digests are cut, they are whole in `ballast hour show --json`."""
    return ", ".join(
        f"{name} {cut(value)}" for name, value in summary.items() if value not in ("", "none", [])
    )


def cut(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text[:DIGEST_SHOWN] if len(text) == 64 else text


def wish(verdict: "Verdict") -> str:
    return f"{side(verdict.wanted)} {verdict.instrument} ({verdict.reason})"


def ruling(verdict: "Verdict") -> str:
    bound = f" by {', '.join(verdict.breaches)}" if verdict.breaches else ""
    return f"{verdict.instrument} {verdict.verdict}{bound}"


def sent(order: "Sent") -> str:
    price = f" at {plain(order.price)}" if order.price else ""
    note = f" ({order.note})" if order.note else ""
    what = f"{side(order.quantity)} {plain(abs(order.quantity))} {order.instrument}"
    return f"{order.kind} {what}{price}: {order.state}{note}"


def filled(fill: "Filled") -> str:
    role = "maker" if fill.maker else "taker"
    verb = "bought" if fill.quantity > 0 else "sold"
    what = f"{verb} {plain(abs(fill.quantity))} {fill.instrument} at {plain(fill.price)}"
    return f"{what} = {fill.value:,.2f}, fee {fill.fee:,.2f} ({fill.kind}, {role})"


def reasons(why_not: Mapping[str, str]) -> str:
    """What kept instruments out, the commonest first."""
    return ", ".join(f"{reason} {count}" for reason, count in Counter(why_not.values()).most_common())


def guarded(account: "Account") -> str:
    halt = f", halt {account.halt}" if account.halt else ""
    triggers = f", triggered by {', '.join(account.triggers)}" if account.triggers else ""
    return f"{account.state}{halt}{triggers}: no entries; exits and cancels pass"


def side(quantity: Decimal) -> str:
    return "buy" if quantity > 0 else "sell"


def plain(value: Decimal) -> str:
    """Without an exponent and without zeros at the end."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_json(of: "Story") -> dict[str, Any]:
    """The whole story as JSON values: decimals and times as text."""
    found: dict[str, Any] = jsonable(of)
    return found


def jsonable(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: jsonable(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: jsonable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(part) for part in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
