"""Every feature once, in the order of the columns. The only place to ask "what is this number?".

Words of the formulas: C, H, L, V close, high, low and volume of a bar, p = ln C, r the hourly log return,
V$ the hour's volume times (H+L+C)/3, w a window of w hours that ends at asof. A return that touches a
stale hour is not a return. A window counts when 5/6 of its values are known. Everything is NaN for an
instrument whose hour is masked.
"""

import hashlib
from collections.abc import Iterator

from trading.features.spec import Family, Feature, Unit

WILDER = "Wilder 1978"
ABDI = "Abdi and Ranaldo 2017, lagged, truncated per pair"
OWN = "own"


def _trend() -> Iterator[Feature]:
    for k in (1, 4, 24):
        yield Feature(f"ret_{k}h", Family.TREND, k + 1, Unit.LOG, f"p[t] - p[t-{k}]", OWN)
    for k in (1, 4, 24):
        formula = f"ret_{k}h / (sigma_1h sqrt({k})), clipped to +-6"
        yield Feature(f"ret_{k}h_scaled", Family.TREND, 169, Unit.SIGMA, formula, OWN)
    for w in (24, 72, 168, 720):
        formula = (
            f"least-squares slope of p on {w} h, times sqrt({w}), over the standard deviation of r on {w} h"
        )
        yield Feature(f"slope_{w}h", Family.TREND, w + 1, Unit.SIGMA, formula, "ordinary least squares")
    for w in (24, 72, 168, 720):
        formula = f"squared correlation of p with time on {w} h"
        yield Feature(f"r2_{w}h", Family.TREND, w, Unit.SHARE, formula, "ordinary least squares")
    for w in (24, 168):
        formula = f"(p - mean of p) / standard deviation of p on {w} h"
        yield Feature(f"reversion_{w}h", Family.TREND, w, Unit.SIGMA, formula, OWN)


def _volatility() -> Iterator[Feature]:
    formula = (
        "ATR(14) / C; true range, mean of 14 as the seed, Wilder's average over a fixed window of 200 bars"
    )
    yield Feature("atr_14h", Family.VOLATILITY, 201, Unit.RATIO, formula, WILDER)
    yield Feature("std_24h", Family.VOLATILITY, 25, Unit.LOG, "sample standard deviation of r on 24 h", OWN)
    yield Feature(
        "sigma_1h", Family.VOLATILITY, 169, Unit.LOG, "sample standard deviation of r on 168 h", OWN
    )
    yield Feature(
        "std_720h", Family.VOLATILITY, 721, Unit.LOG, "sample standard deviation of r on 720 h", OWN
    )
    yield Feature("sigma_24", Family.VOLATILITY, 169, Unit.LOG, "daily volatility: sigma_1h sqrt(24)", OWN)
    yield Feature("std_ratio_168h", Family.VOLATILITY, 169, Unit.LOG_RATIO, "ln(std_24h / sigma_1h)", OWN)
    yield Feature("std_ratio_720h", Family.VOLATILITY, 721, Unit.LOG_RATIO, "ln(std_24h / std_720h)", OWN)
    formula = "share of the last 2160 values of std_24h that are at most the newest"
    yield Feature("vol_percentile", Family.REGIME, 2184, Unit.SHARE, formula, OWN)
    formula = "vol_percentile below 0.33: 0, below 0.67: 1, below 0.95: 2, else 3"
    yield Feature("vol_regime", Family.REGIME, 2184, Unit.CLASS, formula, OWN)


def _volume() -> Iterator[Feature]:
    formula = "ln(mean of V$ on 24 h / mean of V$ on 720 h)"
    yield Feature("volume_surge_24h", Family.VOLUME, 720, Unit.LOG_RATIO, formula, OWN)
    formula = "ln((V$ + 1) / (median of V$ on 168 h + 1)), V$ in the quote currency"
    yield Feature("volume_surge_1h", Family.MEDIAN, 168, Unit.LOG_RATIO, formula, OWN)
    formula = (
        "s / median of s on 168 h; s = mean on 24 h of sqrt(max(0, 4 (p[i-1]-m[i-1]) (p[i-1]-m[i]))), "
        "m = (ln H + ln L)/2"
    )
    yield Feature("spread_widening", Family.MEDIAN, 192, Unit.RATIO, formula, ABDI)
    yield Feature("spread_wide", Family.MEDIAN, 192, Unit.FLAG, "spread_widening > 2", ABDI)


def _breakout() -> Iterator[Feature]:
    for w in (24, 168):
        formula = f"(C - highest H of the {w} bars before) / ATR(14)"
        yield Feature(f"breakout_high_{w}h", Family.BREAKOUT, 201, Unit.ATR, formula, OWN)
        formula = f"(lowest L of the {w} bars before - C) / ATR(14)"
        yield Feature(f"breakout_low_{w}h", Family.BREAKOUT, 201, Unit.ATR, formula, OWN)
        formula = f"breakout_high_{w}h > 0"
        yield Feature(f"broke_high_{w}h", Family.BREAKOUT, 201, Unit.FLAG, formula, OWN)
        formula = f"breakout_low_{w}h > 0"
        yield Feature(f"broke_low_{w}h", Family.BREAKOUT, 201, Unit.FLAG, formula, OWN)
    for w in (168, 720):
        formula = f"(C - lowest L) / (highest H - lowest L) on {w} h"
        yield Feature(f"range_position_{w}h", Family.BREAKOUT, w, Unit.SHARE, formula, "Lane's stochastic")
    blocks = "of the last 24 bars against the 24 before"
    yield Feature("higher_high", Family.BREAKOUT, 48, Unit.FLAG, f"highest H {blocks}: above", OWN)
    yield Feature("higher_low", Family.BREAKOUT, 48, Unit.FLAG, f"lowest L {blocks}: above", OWN)
    yield Feature("lower_high", Family.BREAKOUT, 48, Unit.FLAG, f"highest H {blocks}: below", OWN)
    yield Feature("lower_low", Family.BREAKOUT, 48, Unit.FLAG, f"lowest L {blocks}: below", OWN)
    formula = "higher_high + higher_low - lower_high - lower_low"
    yield Feature("structure", Family.BREAKOUT, 48, Unit.CLASS, formula, OWN)


def _market() -> Iterator[Feature]:
    formula = "0.67 cov(r, r of BTC) / var(r of BTC) + 0.33, on the hours of 720 that both have"
    yield Feature("beta_720h", Family.MARKET, 721, Unit.RATIO, formula, "Blume 1975")
    for w in (168, 720):
        formula = f"Pearson correlation of r with r of BTC, on the hours of {w} that both have"
        yield Feature(f"btc_corr_{w}h", Family.MARKET, w + 1, Unit.RATIO, formula, "Pearson")


def _breadth() -> Iterator[Feature]:
    among = "among the eligible instruments"
    yield Feature("breadth_ret", Family.BREADTH, 25, Unit.SHARE, f"share with ret_24h > 0 {among}", OWN)
    formula = f"share with C above its mean on 168 h {among}"
    yield Feature("breadth_trend", Family.BREADTH, 168, Unit.SHARE, formula, OWN)
    formula = f"sample standard deviation of ret_24h {among}"
    yield Feature("dispersion", Family.BREADTH, 25, Unit.LOG, formula, OWN)
    for k in (1, 24, 168):
        formula = f"of BTC: (p[t] - p[t-{k}]) / (sigma_1h sqrt({k})), clipped to +-6"
        yield Feature(f"btc_ret_{k}h", Family.BREADTH, 169, Unit.SIGMA, formula, OWN)
    yield Feature("btc_slope_168h", Family.BREADTH, 169, Unit.SIGMA, "slope_168h of BTC", OWN)
    yield Feature("btc_vol_percentile", Family.BREADTH, 2184, Unit.SHARE, "vol_percentile of BTC", OWN)


INSTRUMENT_FEATURES: tuple[Feature, ...] = (*_trend(), *_volatility(), *_volume(), *_breakout(), *_market())
"""One value for each instrument and hour."""
MARKET_FEATURES: tuple[Feature, ...] = tuple(_breadth())
"""One value an hour."""
FEATURES = INSTRUMENT_FEATURES + MARKET_FEATURES
INDEX = {feature.name: i for i, feature in enumerate(FEATURES)}
LOOKBACK = max(feature.lookback for feature in FEATURES)
"""Bars that one row needs: 2,184, which is 91 days."""


def digest() -> str:
    """SHA-256 of every declaration: the feature set's identity."""
    return hashlib.sha256(repr(FEATURES).encode()).hexdigest()


def page() -> str:
    """`docs/features.md`."""
    lines = [
        "# Features",
        "",
        "Generated by `ballast features list --markdown`; do not edit.",
        "",
        *(__doc__ or "").split("\n\n", 1)[1].splitlines(),
        "",
        "*Bars* is the lookback: how many bars, the one at asof included, a value reads. NaN means unknown.",
    ]
    for title, features in (("Each instrument", INSTRUMENT_FEATURES), ("The market", MARKET_FEATURES)):
        lines += [
            "",
            f"## {title}",
            "",
            "| name | formula | bars | unit | source |",
            "|---|---|---:|---|---|",
        ]
        lines += [
            f"| `{f.name}` | {f.formula} | {f.lookback:,} | {f.unit.value} | {f.source} |" for f in features
        ]
    return "\n".join(lines) + "\n"
