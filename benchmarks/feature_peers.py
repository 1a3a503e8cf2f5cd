"""The same columns in polars and TA-Lib, written the obvious way, to be timed beside ours.

They are not exact (a value depends on where the frame begins), give nothing for partial windows, and use
Wilder's unbounded average; on full windows they agree with ours (`tests/unit/test_feature_formulas.py` checks
ours against independent formulas).
"""

from collections.abc import Callable

import numpy as np

from trading.market import Grid

DAY, MONTH = 24, 720


def peer(arm: str, grid: Grid) -> Callable[[], object]:
    """What to time for a peer's arm; the input is laid out before."""
    if arm == "talib-twelve":
        return _talib(grid)
    return _polars(grid, full=arm == "polars-full")


def _polars(grid: Grid, full: bool) -> Callable[[], object]:
    import polars as pl

    hours, assets = grid.close.shape
    columns = {name: getattr(grid, name).T.ravel() for name in ("high", "low", "close", "volume")}
    frame = pl.DataFrame(
        {"a": np.repeat(np.arange(assets), hours), "t": np.tile(np.arange(hours), assets), **columns}
    )
    bitcoin = frame.filter(pl.col("a") == 0).select("t", b=pl.col("close").log().diff())
    lazy = frame.join(bitcoin, on="t", how="left", maintain_order="left").lazy()
    return lambda: (_full(lazy) if full else _twelve(lazy)).collect()


def _twelve(frame):
    import polars as pl

    c, h, low, v, b, p, r = (pl.col(x) for x in ("close", "high", "low", "volume", "b", "p", "r"))
    before = pl.col("before")
    return (
        frame.with_columns(p=c.log())
        .with_columns(
            r=p.diff().over("a"),
            before=c.shift().over("a"),
            i=pl.int_range(pl.len()).over("a").cast(pl.Float64),
            dollar=v * (h + low + c) / 3,
        )
        .with_columns(tr=pl.max_horizontal(h - low, (h - before).abs(), (low - before).abs()))
        .with_columns(atr=pl.col("tr").ewm_mean(alpha=1 / 14, adjust=False).over("a"))
        .with_columns(
            ret4=p.diff(4).over("a"),
            ret24=p.diff(24).over("a"),
            std24=r.rolling_std(DAY).over("a"),
            slope24=(pl.rolling_cov(p, pl.col("i"), window_size=DAY) / (DAY * (DAY + 1) / 12)).over("a"),
            surge=(pl.col("dollar").rolling_mean(DAY) / pl.col("dollar").rolling_mean(MONTH)).log().over("a"),
            break24=((c - h.rolling_max(DAY).shift()) / pl.col("atr")).over("a"),
            z24=((p - p.rolling_mean(DAY)) / p.rolling_std(DAY)).over("a"),
            beta=(pl.rolling_cov(r, b, window_size=MONTH) / b.rolling_var(MONTH)).over("a") * 0.67 + 0.33,
            corr=pl.rolling_corr(r, b, window_size=MONTH).over("a"),
            atr14=pl.col("atr") / c,
        )
        .with_columns(slope=pl.col("slope24") * DAY**0.5 / pl.col("std24"))
        .with_columns(breadth=(pl.col("ret24") > 0).mean().over("t"))
    )


def _full(frame):
    import polars as pl

    c, h, low, b, p, r = (pl.col(x) for x in ("close", "high", "low", "b", "p", "r"))
    i, m, dollar, atr = (pl.col(x) for x in ("i", "m", "dollar", "atr"))
    windows = (24, 72, 168, 720)
    base = (
        _twelve(frame)
        .with_columns(m=(h.log() + low.log()) / 2)
        .with_columns(
            *[r.rolling_std(w).over("a").alias(f"std{w}") for w in windows[1:]],
            s=(4 * (p.shift() - m.shift()) * (p.shift() - m)).clip(0).sqrt().rolling_mean(24).over("a"),
            h24=h.rolling_max(24).over("a"),
            l24=low.rolling_min(24).over("a"),
            h168=h.rolling_max(168).over("a"),
            l168=low.rolling_min(168).over("a"),
            h720=h.rolling_max(720).over("a"),
            l720=low.rolling_min(720).over("a"),
            sma168=c.rolling_mean(168).over("a"),
        )
    )
    slopes = [
        (pl.rolling_cov(p, i, window_size=w) / (w * (w + 1) / 12) * w**0.5 / pl.col(f"std{w}")).over("a")
        for w in windows[1:]
    ]
    r2 = [(pl.rolling_corr(p, i, window_size=w) ** 2).over("a") for w in windows]
    scaled = [
        (p.diff(k).over("a") / (pl.col("std168") * k**0.5)).clip(-6, 6).alias(f"scaled{k}")
        for k in (1, 4, 24)
    ]
    columns = base.with_columns(
        *scaled,
        *[x.alias(f"slope{w}") for x, w in zip(slopes, windows[1:], strict=True)],
        *[x.alias(f"r2_{w}") for x, w in zip(r2, windows, strict=True)],
        sigma24=pl.col("std168") * 24**0.5,
        ratio168=(pl.col("std24") / pl.col("std168")).log(),
        ratio720=(pl.col("std24") / pl.col("std720")).log(),
        percentile=pl.col("std24").rolling_rank(2160, method="max").over("a") / 2160,
        surge1=((dollar + 1) / (dollar.rolling_median(168) + 1)).log().over("a"),
        widening=(pl.col("s") / pl.col("s").rolling_median(168)).over("a"),
        low24=((pl.col("l24").shift() - c) / atr).over("a"),
        high168=((c - pl.col("h168").shift()) / atr).over("a"),
        low168=((pl.col("l168").shift() - c) / atr).over("a"),
        z168=((p - p.rolling_mean(168)) / p.rolling_std(168)).over("a"),
        pos168=(c - pl.col("l168")) / (pl.col("h168") - pl.col("l168")),
        pos720=(c - pl.col("l720")) / (pl.col("h720") - pl.col("l720")),
        hh=(pl.col("h24") > pl.col("h24").shift(24)).over("a").cast(pl.Float64),
        hl=(pl.col("l24") > pl.col("l24").shift(24)).over("a").cast(pl.Float64),
        lh=(pl.col("h24") < pl.col("h24").shift(24)).over("a").cast(pl.Float64),
        ll=(pl.col("l24") < pl.col("l24").shift(24)).over("a").cast(pl.Float64),
        corr168=pl.rolling_corr(r, b, window_size=168).over("a"),
        btc168=p.diff(168).over("a") / (pl.col("std168") * 168**0.5),
    ).with_columns(
        regime=pl.col("percentile").cut([0.33, 0.67, 0.95]).to_physical().cast(pl.Float64),
        wide=(pl.col("widening") > 2).cast(pl.Float64),
        broke_h24=(pl.col("break24") > 0).cast(pl.Float64),
        broke_l24=(pl.col("low24") > 0).cast(pl.Float64),
        broke_h168=(pl.col("high168") > 0).cast(pl.Float64),
        broke_l168=(pl.col("low168") > 0).cast(pl.Float64),
        structure=pl.col("hh") + pl.col("hl") - pl.col("lh") - pl.col("ll"),
        trend=(c > pl.col("sma168")).mean().over("t"),
        dispersion=pl.col("ret24").std().over("t"),
    )
    state = columns.filter(pl.col("a") == 0).select(
        "t", "scaled1", "scaled24", "btc168", "slope168", "percentile"
    )
    return columns.join(state, on="t", how="left", suffix="_btc", maintain_order="left")


def _talib(grid: Grid) -> Callable[[], object]:
    import pandas as pd
    import talib

    names = ("high", "low", "close", "volume")
    frames = {
        a: pd.DataFrame({name: getattr(grid, name)[:, a].copy() for name in names})
        for a in range(len(grid.instruments))
    }
    unbias = (DAY / (DAY - 1)) ** 0.5

    def run() -> object:
        btc = np.log(frames[0]["close"]).diff()
        out = {}
        for a, d in frames.items():
            c, p = d["close"], np.log(d["close"])
            g = pd.DataFrame(index=d.index)
            g["ret1"], g["ret4"], g["ret24"] = p.diff(), p.diff(4), p.diff(24)
            g["std24"] = talib.STDDEV(g["ret1"], DAY) * unbias
            g["slope24"] = talib.LINEARREG_SLOPE(p, DAY) * DAY**0.5 / g["std24"]
            atr = talib.ATR(d["high"], d["low"], c, 14)
            g["atr14"] = atr / c
            dollar = d["volume"] * (d["high"] + d["low"] + c) / 3
            g["surge"] = np.log(talib.SMA(dollar, DAY) / talib.SMA(dollar, MONTH))
            g["break24"] = (c - talib.MAX(d["high"], DAY).shift()) / atr
            g["z24"] = (p - talib.SMA(p, DAY)) / (talib.STDDEV(p, DAY) * unbias)
            # TA-Lib's BETA takes prices and simple returns.
            g["beta720"] = talib.BETA(frames[0]["close"], c, MONTH) * 0.67 + 0.33
            g["corr720"] = talib.CORREL(btc, g["ret1"], MONTH)
            out[a] = g
        # Frames by instrument to arrays by column, (hours, instruments): what our arm gives too.
        panel = {name: np.column_stack([out[a][name].to_numpy() for a in out]) for name in out[0]}
        rising = panel["ret24"]
        return panel, np.where(np.isnan(rising).any(1), np.nan, (rising > 0).mean(1))

    return run
