"""Names that people search for: workflow ids, task queues, search attributes. Ids begin with their track."""

from datetime import datetime

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from activities.messages import hour_text

MARKET, TRADING, TRADING_WAIT, TRAINING = "market", "trading", "trading-wait", "training"
GUARD = "guard"
"""Task queues. What others wait for has slots of its own: a wait that held a slot of `trading` would keep out
the very order that it waits for, and batches that held them all would wait for guards who could record
nothing."""

TRACK = SearchAttributeKey.for_keyword("BallastTrack")
PORTFOLIO = SearchAttributeKey.for_keyword("BallastPortfolio")
ASOF = SearchAttributeKey.for_datetime("BallastAsof")
RISK_STATE = SearchAttributeKey.for_keyword("BallastRiskState")
"""ACTIVE, REDUCING or HALTED."""
OUTCOME = SearchAttributeKey.for_keyword("BallastOutcome")
SEARCH_ATTRIBUTES = (TRACK, PORTFOLIO, ASOF, RISK_STATE, OUTCOME)


def launch_id(track: str) -> str:
    """The schedule's launcher; the engine appends the nominal time."""
    return f"{track}/launch"


def hour_id(track: str, asof: datetime) -> str:
    return f"{track}/trading-hour/{hour_text(asof)}"


def hour_attributes(track: str, asof: datetime) -> TypedSearchAttributes:
    """What lists of hours are filtered by."""
    return TypedSearchAttributes([SearchAttributePair(TRACK, track), SearchAttributePair(ASOF, asof)])


def shard_id(track: str, asof: datetime, index: int) -> str:
    """Of one of several; a lone shard is worked by its hour."""
    return f"{track}/shard/{hour_text(asof)}/{index}"


def proof_id(track: str, asof: datetime) -> str:
    return f"{track}/proof/{hour_text(asof)}"


def portfolio_hour_id(track: str, asof: datetime, portfolio: str) -> str:
    return f"{track}/portfolio-hour/{hour_text(asof)}/{portfolio}"


def order_id(track: str, asof: datetime, portfolio: str, instrument: str) -> str:
    return f"{track}/order/{hour_text(asof)}/{portfolio}/{instrument}"


def halt_id(track: str, portfolio: str) -> str:
    return f"{track}/halt/{portfolio}"


def reconciliation_id(track: str, portfolio: str) -> str:
    return f"{track}/reconciliation/{portfolio}"


def training_id(track: str, name: str) -> str:
    return f"{track}/training/{name}"


def promotion_id(track: str, release: str) -> str:
    return f"{track}/promotion/{release}"


def nightly_id(track: str, name: str) -> str:
    """Of what runs beside the hours; the engine appends the nominal time."""
    return f"{track}/nightly/{name}"


def backfill_id(track: str, venue: str) -> str:
    return f"{track}/backfill/{venue}"


def guard_update_id(asof: datetime) -> str:
    """Of the update `mark`, so that a repeated one is the same one."""
    return f"g-{hour_text(asof)}"
