"""The sections that weigh the record: intervals, luck, the verdict."""

from collections.abc import Iterator

from trading.backtest.report.analysis import Analysis
from trading.backtest.report.html import MISSING, number, percent, section, table
from trading.backtest.report.parts import interval_cells
from trading.ledger.verdict import Check


def statistics(of: Analysis) -> str:
    """Intervals, and how much could be luck."""
    rows = []
    if of.intervals:
        i = of.intervals
        rows = [
            ["growth a year", *interval_cells(i.cagr, share=True)],
            ["Sharpe ratio", *interval_cells(i.sharpe, share=False)],
            ["deepest drawdown, daily closes", *interval_cells(i.max_drawdown, share=True)],
            ["worst month", *interval_cells(i.worst_month, share=True)],
        ]
    note = "Fewer than 30 days: no intervals."
    if of.intervals:
        note = (
            f"Stationary bootstrap of daily returns, {of.intervals.repetitions:,} paths, mean block "
            f"{of.intervals.block_days:.0f} days. Drawdowns and worst months of resampled paths tend to be "
            "deeper than the one that happened."
        )
    head = ("", "record", "low", "high")
    return section(
        "Statistics",
        note,
        table("90 % intervals", head, rows) if rows else "",
        table("Could it be luck?", ("", "value", "meaning"), _luck_rows(of), css="words"),
    )


def _luck_rows(of: Analysis) -> Iterator[tuple[str, str, str]]:
    luck, m = of.luck, of.luck.moments
    yield "skewness, kurtosis (raw)", f"{number(m.skewness)}, {number(m.kurtosis, 1)}", f"{m.periods:,} days"
    yield "probabilistic Sharpe ratio", number(luck.psr, 3), f"on weeks {number(luck.weekly_psr, 3)}"
    kind = "variance measured across trials" if luck.variance_measured else "variance of trials without skill"
    yield "deflated Sharpe ratio", number(luck.dsr, 3), f"{luck.trials} trials, {kind}"
    yield (
        "probability of overfitting",
        number(luck.pbo),
        "of selecting the best trial" if luck.pbo else "not measured",
    )
    yield (
        "track record needed",
        f"{number(luck.track_record_years, 1)} years",
        "for a ratio above 0 with 95 %",
    )
    if of.against_bitcoin:
        a = of.against_bitcoin
        yield "alpha against 20 % bitcoin", f"{percent(a.alpha)} a year", f"t {number(a.alpha_t)}, Newey-West"
        yield "beta against 20 % bitcoin", number(a.beta), f"t {number(a.beta_t)}, Newey-West"
    if of.excess:
        excess, ratio = of.excess
        meaning = f"Sharpe ratio {number(ratio)}, approximate"
        yield "return above Treasury bills", f"{percent(excess)} a year", meaning
    else:
        yield "return above Treasury bills", MISSING, "a year has no rate in config/tbill.json"


def verdict(of: Analysis) -> str:
    """The rule, check by check."""
    rows = [
        [check.name, "target" if check.point else "bound", check.wanted, _checked(check), _held(check)]
        for check in of.verdict.checks
    ]
    head = ("check", "kind", "wanted", "measured", "")
    note = (
        "The rule was fixed before any record was seen. MET needs every line; INCONCLUSIVE means that the "
        "targets hold but a statistical bound fails or was not measured."
    )
    return section(f"Verdict: {of.verdict.outcome}", note, table("Acceptance rule", head, rows, texts=2))


def _checked(check: Check) -> str:
    return MISSING if check.value is None else number(check.value, 3)


def _held(check: Check) -> str:
    return "not measured" if check.holds is None else "holds" if check.holds else "fails"
