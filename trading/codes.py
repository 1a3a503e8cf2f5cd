"""The integer codes of the decision loop, and their words for records and people."""

# What the strategy wants done with an instrument at asof.
HOLD, ENTER, EXIT, ADD, TRIM = 0, 1, 2, 3, 4

# Why: what moved it, or the first gate that kept it out.
REASONS = (
    "none",
    "expected return",
    "signal",
    "rebalance",
    "take profit",
    "trailing stop",
    "reversal",
    "time",
    "signal ended",
    "silent",
    "hard cap",
    "holding",
    "not eligible",
    "bars unusable",
    "no prediction",
    "p24 below threshold",
    "expected return below cost",
    "p4 below threshold",
    "crash risk",
    "vetoed",
    "cooldown",
    "no signal",
    "flatten",
)
(
    NONE,
    EXPECTED_RETURN,
    SIGNAL,
    REBALANCE,
    TAKE_PROFIT,
    TRAILING,
    REVERSAL,
    TIME,
    SIGNAL_ENDED,
    SILENT,
    HARD_CAP,
    HOLDING,
    NOT_ELIGIBLE,
    UNUSABLE,
    NO_PREDICTION,
    LOW_PROBABILITY,
    LOW_RETURN,
    LOW_P4,
    CRASH_RISK,
    VETOED,
    COOLDOWN,
    NO_SIGNAL,
    FLATTEN,
) = range(len(REASONS))

# Breaches: one bit each, so that one verdict can name every control that bound.
BREACHES = (
    "HALTED",
    "KILL_SWITCH",
    "UNRECONCILED",
    "STALE",
    "DRAWDOWN_SIZE",
    "POSITIONS",
    "EXPOSURE",
    "NAME",
    "CLUSTER",
    "CLUSTER_POSITIONS",
    "BETA",
    "VOLUME",
    "CASH",
    "MINIMUM",
    "CRASH_RISK",
    "DISSIMILAR",
    "BUCKET",
    "EXPIRED",
)
(
    HALTED,
    KILL_SWITCH,
    UNRECONCILED,
    STALE,
    DRAWDOWN_SIZE,
    POSITIONS,
    EXPOSURE,
    NAME,
    CLUSTER,
    CLUSTER_POSITIONS,
    BETA,
    VOLUME,
    CASH_SHORT,
    MINIMUM,
    CRASH_BREACH,
    DISSIMILAR_BREACH,
    BUCKET_BREACH,
    EXPIRED_BREACH,
) = (1 << bit for bit in range(len(BREACHES)))

BLOCKING = HALTED | KILL_SWITCH | UNRECONCILED | STALE
"""Breaches that keep every entry out, whatever its size."""

# What a halt does: it keeps entries out, or it sells what is held too.
LATCHED, FLATTENING = 1, 2

# The verdict on one intent.
VERDICTS = ("none", "kept", "shrunk", "denied", "forced")
NO_VERDICT, KEPT, SHRUNK, DENIED, FORCED = range(len(VERDICTS))

# How an hour ended.
OUTCOMES = ("TRADED", "NO_CHANGE", "STALE", "HALTED", "KILL_SWITCH", "UNRECONCILED", "MISSED", "WARMUP")
TRADED, NO_CHANGE, HOUR_STALE, HOUR_HALTED, HOUR_KILLED, HOUR_UNRECONCILED, MISSED, WARMUP = range(
    len(OUTCOMES)
)

# Kill-switch triggers, one bit each.
TRIGGERS = ("btc move", "btc volatility", "data integrity")
BTC_MOVE, BTC_VOLATILITY, DATA_INTEGRITY = 1, 2, 4

# Why a whole hour is refused: too little of the market is usable, or history or a release is still missing.
REFUSED, WARMING = 1, 2

# What moved assets. The order is the order of events inside a bar.
FILL_KINDS = ("exit", "stop gap", "entry taker", "entry maker", "stop", "fallback", "delist")
FILL_EXIT, FILL_STOP_GAP, FILL_TAKER, FILL_MAKER, FILL_STOP, FILL_FALLBACK, FILL_DELIST = range(
    len(FILL_KINDS)
)

# Guards of the release that keep entries out, as a reading carries them: their breaches, shifted down.
DISSIMILAR, BUCKET, EXPIRED = (
    bit // DISSIMILAR_BREACH for bit in (DISSIMILAR_BREACH, BUCKET_BREACH, EXPIRED_BREACH)
)
