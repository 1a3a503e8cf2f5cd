"""The report of a made-up run: complete, self-contained, small, honest and safe."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from config.tbill import load
from trading.backtest.report import Record, Run, Trials, analyse, page_of, render
from trading.backtest.report.page import plainly
from trading.errors import DataError

FIRST = datetime(2021, 6, 1, tzinfo=UTC)
COINS = ("ADA/USD", "BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD")


def made_up_equity(days, drift, spread, seed, exposure=0.12):
    random = np.random.default_rng(seed)
    hours = 24 * days + 1
    season = 1 + 0.8 * np.sin(np.arange(hours) / 4000)
    changes = random.normal(drift / 8760, spread / np.sqrt(8760), hours) * season
    changes[0] = 0.0
    values = np.cumprod(1 + changes)
    falls = 1 - values / np.maximum.accumulate(values)
    asof = pl.datetime_range(FIRST, FIRST + timedelta(hours=hours - 1), "1h", time_zone="UTC", eager=True)
    return pl.DataFrame(
        {
            "asof": asof,
            "equity": (values * 10_000).round(8),
            "units": np.full(hours, 10_000.0),
            "exposure": np.clip(exposure * season + random.normal(0, 0.01, hours), 0, 0.2),
            "positions": random.integers(0, 9, hours),
            "risk_drawdown": falls,
            "lifetime_drawdown": falls,
            "halted": falls >= 0.2,
            "triggers": np.where(random.random(hours) < 0.004, "volatility", ""),
            "regime": np.array(["range", "trending", "high volatility", "crash"])[
                np.minimum(np.arange(hours) // 700 % 5, 3)
            ],
        }
    )


def made_up_fills(days, number, seed):
    if number == 0:
        return made_up_fills(days, 2, seed).clear()
    random = np.random.default_rng(seed)
    sell = np.arange(number) % 2 == 1
    asof = [FIRST + timedelta(hours=int(h)) for h in np.sort(random.integers(0, 24 * days - 1, number))]
    value = random.uniform(150, 320, number).round(8)
    return pl.DataFrame(
        {
            "time": [moment + timedelta(minutes=2) for moment in asof],
            "asof": asof,
            "instrument": random.choice(COINS, number),
            "side": np.where(sell, "sell", "buy"),
            "kind": random.choice(["limit", "fallback", "stop"], number),
            "quantity": (value / 40).round(6),
            "price": np.full(number, 40.0),
            "limit": np.full(number, 40.0),
            "stop": np.full(number, 37.5),
            "fee": (value * 0.004).round(8),
            "slippage": (value * 0.0005).round(8),
            "value": value,
            "pnl": [float(p) if s else None for p, s in zip(random.normal(2, 14, number), sell, strict=True)],
        }
    )


def made_up_run(days=1309, drift=0.09, number=900, **changes):
    names = {"cash": (0, 0), "btc": (0.07, 0.12), "basket": (0.03, 0.14), "trend-a": (0.08, 0.08)}
    names |= {"trend-b": (0.05, 0.07), "trend-vote": (0.1, 0.08)}
    fills = made_up_fills(days, number, 1)
    benchmarks = {
        f"{name}{kind}": Record(made_up_equity(days, mean, spread, 50 + i + 10 * len(kind)), fills)
        for i, (name, (mean, spread)) in enumerate(names.items())
        for kind in ("", " raw")
    }
    decisions = pl.DataFrame(
        {
            "asof": [FIRST] * 6,
            "instrument": ["BTC/USD"] * 6,
            "breach": ["", "exposure cap", "exposure cap", "cluster cap", None, ""],
            "denial": ["", "", "", "below minimum", "", ""],
        }
    )
    record = Record(made_up_equity(days, drift, 0.09, 7), fills)
    end = FIRST + timedelta(days=days)
    details = {
        "digest": "ab12" * 16,
        "from": FIRST.isoformat(),
        "to": end.isoformat(),
        "predictor": "lightgbm",
        "fees": "mission",
        "venue": "binance",
        "proxy": True,
        "params": {"p24_min": 0.55, "size": 0.02},
        "data_digest": "cd34" * 16,
        "review_after": None,
        "skipped": {"STALE": 12, "WARMUP": 2184},
    }
    fields = {
        "name": "20250101-lightgbm",
        "details": details,
        "record": record,
        "decisions": decisions,
        "benchmarks": benchmarks,
        "bill_rates": {2021: 0.0005, 2022: 0.02, 2023: 0.051, 2024: 0.05},
        "trials": Trials(12, np.random.default_rng(3).normal(0.0002, 0.004, (days, 12))),
    }
    return Run(**(fields | changes))


class Reader(HTMLParser):
    """Counts what a browser would fetch, and reads the text."""

    def __init__(self):
        super().__init__()
        self.fetched, self.text, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [
            value for name, value in attrs if name in ("src", "href", "action", "data", "srcset")
        ]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def run():
    return made_up_run()


@pytest.fixture(scope="module")
def text(run):
    return render(run)


def test_a_page_of_four_years_stays_below_one_megabyte(text):
    assert len(text.encode()) < 1_000_000


def test_the_page_loads_nothing(text):
    reader = Reader()
    reader.feed(text)
    assert reader.fetched == ["data:,"]
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_the_same_run_gives_the_same_bytes(run, text):
    assert render(run) == text


@pytest.mark.parametrize(
    "words",
    [
        "NOT MET",
        "PROXY",
        "Growth of 100",
        "Drawdown",
        "Exposure",
        "Months and years",
        "By coin",
        "By regime",
        "deflated Sharpe ratio",
        "probability of overfitting",
        "paired bootstrap",
        "return above Treasury bills",
        "alpha against 20 % bitcoin",
        "skipped hours: STALE",
        "cut: exposure cap",
        "denied: below minimum",
        "kill switch: volatility",
        "is absorbing",
        "trend-vote raw",
        "hypothetical",
    ],
)
def test_the_page_shows(text, words):
    reader = Reader()
    reader.feed(text)
    assert words in " ".join(reader.text)


def test_every_chart_has_a_title_and_every_table_a_caption(text):
    reader = Reader()
    reader.feed(text)
    assert reader.tags.count("svg") == text.count('role="img"') == 4
    assert reader.tags.count("title") == 1 + 4
    assert reader.tags.count("table") == reader.tags.count("caption")


def test_every_fill_is_listed(run, text):
    trades = text[text.index("All 900 fills") :]
    assert trades[: trades.index("</table>")].count("<tr>") == 1 + 900


def test_a_loss_is_called_a_loss():
    run = made_up_run(days=200, drift=-0.4, number=20)
    said = plainly(run, analyse(run, repetitions=100))
    assert "It lost money" in said
    assert "no skill shows" in said


def test_a_name_from_data_cannot_write_markup(run):
    hostile = made_up_run(days=40, number=4, name="<script>alert(1)</script>")
    hostile.details["predictor"] = '"><img src=x onerror=alert(1)>'
    text = render(hostile)
    assert "<img" not in text
    assert text.count("<script") == 1


def test_a_run_of_two_days_without_a_fill_still_has_a_page():
    run = made_up_run(days=2, number=0, benchmarks={}, bill_rates={}, trials=Trials())
    text = render(run)
    assert "no intervals" in text
    assert not re.search(r"\b(nan|inf)\b", text)


def test_a_benchmark_of_other_hours_is_refused(run):
    short = {"btc": Record(made_up_equity(30, 0.1, 0.1, 1), run.record.fills)}
    with pytest.raises(DataError, match="other hours"):
        analyse(made_up_run(days=31, benchmarks=short))


def test_a_year_without_a_bill_rate_is_named_and_not_guessed():
    of = made_up_run(days=31, number=4, bill_rates={2020: 0.01})
    assert analyse(of).excess is None
    assert "a year has no rate" in render(of)


def test_bill_rates_are_fractions_of_a_year():
    assert load()[2023] == pytest.approx(0.051)
    cash = made_up_run(
        days=365, number=4, record=Record(made_up_equity(365, 0, 0, 1), made_up_fills(365, 4, 1))
    )
    excess = analyse(cash, repetitions=50).excess
    assert excess == (pytest.approx(-(0.0005 * 214 + 0.02 * 151) / 365), 0.0)


def test_double_cost_and_the_other_fees_enter_the_verdict(run):
    costly = Record(made_up_equity(1309, -0.2, 0.09, 7), run.record.fills)
    checks = {c.name: c for c in analyse(replace(run, beside=costly, double_cost=costly), 100).verdict.checks}
    assert checks["Sharpe ratio at twice the cost"].holds is False
    assert checks["the venue's own fee schedule"].holds is False
    assert checks["falling years among them"].value == analyse(run, 100).verdict.checks[-2].value


def test_a_resumed_run_shows_both_drawdowns_and_says_when(run):
    resumed = replace(run, details={**run.details, "review_after": 72})
    text = render(resumed)
    assert 'data-name="since re-base"' in text
    assert "resumed after a review of 72 h" in text


def test_money_in_decimals_and_times_in_milliseconds_give_the_same_page():
    plain = made_up_run(days=60, number=40, benchmarks={})
    exact = [frame.with_columns(pl.col(pl.Datetime).cast(pl.Datetime("ms", "UTC"))) for frame in plain.record]
    money = pl.col("equity", "units"), pl.col("quantity", "price", "fee", "slippage", "value", "pnl")
    equity, fills = (f.with_columns(m.cast(pl.Decimal(38, 8))) for f, m in zip(exact, money, strict=True))
    plain = replace(
        plain, record=Record(*(f.with_columns(m.round(8)) for f, m in zip(plain.record, money, strict=True)))
    )
    assert render(replace(plain, record=Record(equity, fills))) == render(plain)


def test_a_share_of_profit_has_no_meaning_in_a_loss():
    lost = made_up_run(days=400, drift=-0.5, number=20)
    assert analyse(lost, repetitions=50).largest_year_share is None


def test_the_page_repeats_what_the_analysis_found(run, text):
    of = analyse(run)
    assert page_of(run, of) == text
    assert f">{of.metrics.sharpe:.2f}<" in text
