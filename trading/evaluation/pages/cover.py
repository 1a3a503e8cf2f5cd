"""The cover: which models stand behind the dossier, and which suites have been run."""

from collections.abc import Mapping
from html import escape
from typing import Any

from trading.backtest.report.html import document, folded, section, table
from trading.backtest.report.style import STYLE
from trading.clock import TradingHour
from trading.evaluation.roster import Roster

SUITES = {
    "forecasts": "what the probabilities and expected returns were worth",
    "leakage": "whether anything of the future reaches a prediction",
    "strategy": "what trading on them brought, beside every benchmark",
}
HEAD = ("model", "month", "preset", "rows", "epochs", "seed", "trained through", "model hash", "fault")


def page(of: Roster, told: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> str:
    """`told` describes the walk, `results` are the suites' outcomes by name."""
    items = "".join(_item(suite, what, results.get(suite)) for suite, what in SUITES.items())
    venue = f"{told['venue']}{' (PROXY)' if told['proxy'] else ''}"
    meta = f"data of {venue} · preset {told['preset']} · log {told['log_digest'][:12]}"
    head = f'<header><h1>{escape(of.title)}</h1><p class="meta">{escape(meta)}</p><ul>{items}</ul></header>'
    faults = "".join(f"<li>{escape(fault)}" for fault in of.faults)
    against = section("What is missing or reduced", "", f"<ul>{faults}</ul>") if faults else ""
    groups: dict[str, list[list[str]]] = {}
    for member in of.members:
        through = member.trained_through
        cells = [member.model, member.month, member.preset, member.rows, member.epochs, member.seed]
        cells += [
            None if through is None else TradingHour(through),
            (member.artefact or "")[:12],
            member.fault,
        ]
        groups.setdefault(member.model, []).append(["–" if cell is None else str(cell) for cell in cells])
    folds = "".join(
        folded(f"{name}: {len(rows)} folds", table(name, HEAD, rows, 2)) for name, rows in groups.items()
    )
    models = section("Models", "Every fold that the walk should have, as the log describes it.", folds)
    return document("Ballast: evaluation", STYLE, "", head + against + models)


def _item(suite: str, what: str, result: Mapping[str, Any] | None) -> str:
    if result is None:
        return f"<li>{suite}: not run yet, <code>ballast evaluate {suite}</code> ({what})"
    word = "passed" if result["passed"] else "not passed"
    return f'<li><a href="{suite}.html">{suite}</a>: {word} ({what})'
