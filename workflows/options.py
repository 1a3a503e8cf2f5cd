"""Timeouts and retries by name, each with its reason. One attempt is bounded, and so are all together.

A killed activity is found dead by its missing heartbeats, or else only at the end of its attempt: so short
work has a short attempt, and long work beats.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.workflow import ActivityConfig

from workflows.names import GUARD, MARKET, TRADING, TRADING_WAIT, TRAINING

DATA, USAGE, INVARIANT = "DataError", "UsageError", "InvariantError"
"""Errors by type name that trying again does not mend."""

ONCE = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
"""Of the hour and everything below it: what succeeded never runs again, what was cut off can be completed."""

BEAT = timedelta(seconds=6)
"""A worker that is silent for so long is dead."""
WAIT_BEAT = timedelta(seconds=12)
"""For waits: hundreds stand at once and beat between polls of four seconds, on a loop that may be late."""
HOUR = timedelta(hours=1)

_PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=[USAGE, INVARIANT],
)
"""For reads and writes that may be repeated as long as the hour lasts."""

FETCH = ActivityConfig(
    task_queue=MARKET,
    start_to_close_timeout=timedelta(minutes=5),
    schedule_to_close_timeout=timedelta(minutes=50),
    heartbeat_timeout=BEAT,
    retry_policy=_PATIENT,
)
"""Reads the venue: minutes when it is slow, and worth trying for most of the hour."""

BACKFILL = ActivityConfig(
    task_queue=MARKET,
    start_to_close_timeout=timedelta(hours=2),
    heartbeat_timeout=BEAT,
    retry_policy=_PATIENT,
)
"""A thousand trades a page, a page a second."""

COMPUTE = ActivityConfig(
    task_queue=MARKET,
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(minutes=20),
    heartbeat_timeout=BEAT,
    retry_policy=RetryPolicy(maximum_attempts=5, non_retryable_error_types=[DATA, USAGE, INVARIANT]),
)
"""Features and predictions: pure, so an error that comes back will come back again."""

BATCH = ActivityConfig(
    task_queue=TRADING,
    start_to_close_timeout=timedelta(minutes=5),
    schedule_to_close_timeout=timedelta(minutes=59),
    heartbeat_timeout=BEAT,
    retry_policy=_PATIENT,
)
"""Reconcile, mark, decide, settle, prove: what is done already is found done."""

PROVE = ActivityConfig(
    task_queue=TRADING,
    start_to_close_timeout=timedelta(minutes=10),
    schedule_to_close_timeout=timedelta(minutes=59),
    heartbeat_timeout=BEAT,
    retry_policy=_PATIENT,
)
"""Waits for another process, which compiles in its first hour."""

SETTLE = ActivityConfig(
    task_queue=TRADING,
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=timedelta(seconds=90),
    heartbeat_timeout=BEAT,
    retry_policy=_PATIENT,
)
"""After minute 58 of the hour; whoever is not settled soon after gets a row that says so."""

ORDER = ActivityConfig(
    task_queue=TRADING,
    start_to_close_timeout=timedelta(minutes=6),
    schedule_to_close_timeout=timedelta(hours=2),
    heartbeat_timeout=BEAT,
    retry_policy=_PATIENT,
)
"""Works an order as far as it goes now. May be tried again, because it looks before it sends."""

WAIT = ActivityConfig(
    task_queue=TRADING_WAIT,
    start_to_close_timeout=timedelta(hours=2),
    heartbeat_timeout=WAIT_BEAT,
    retry_policy=_PATIENT,
)
"""A long poll: a read that outlives the hour if it must, found dead by its heartbeats."""

RECORD = ActivityConfig(
    task_queue=TRADING,
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=_PATIENT,
)
"""One small transaction. Tried until it succeeds: an hour without its row is not done."""

GUARDED = ActivityConfig(**{**RECORD, "task_queue": GUARD})
"""The same for a guard, which batches of `trading` wait for: looks at the database and nowhere else."""

TRAIN = ActivityConfig(
    task_queue=TRAINING,
    start_to_close_timeout=timedelta(hours=12),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=RetryPolicy(maximum_attempts=3, non_retryable_error_types=[DATA, USAGE, INVARIANT]),
)
"""One model of one fold: hours, and what is done lies in the fold store."""

_DAILY = RetryPolicy(
    initial_interval=timedelta(seconds=10),
    maximum_interval=timedelta(minutes=10),
    non_retryable_error_types=[USAGE, INVARIANT],
)
"""For what has hours of time, and is done again tomorrow if it comes to nothing."""

SURVEY = ActivityConfig(
    task_queue=MARKET,
    start_to_close_timeout=timedelta(minutes=15),
    schedule_to_close_timeout=timedelta(hours=6),
    heartbeat_timeout=BEAT,
    retry_policy=_DAILY,
)
"""A public call for each pair, a call a second."""

FEES = ActivityConfig(
    task_queue=TRADING,
    start_to_close_timeout=timedelta(minutes=5),
    schedule_to_close_timeout=timedelta(hours=6),
    heartbeat_timeout=BEAT,
    retry_policy=_DAILY,
)
"""Asks with the account's key, which the queue `trading` owns."""

MONTHLY = ActivityConfig(
    task_queue=TRAINING,
    start_to_close_timeout=timedelta(days=2),
    heartbeat_timeout=timedelta(minutes=2),
    retry_policy=RetryPolicy(maximum_attempts=5, non_retryable_error_types=[DATA, USAGE, INVARIANT]),
)
"""A whole release; months that are trained are found trained by the next attempt."""

EXPORT = ActivityConfig(
    task_queue=MARKET,
    start_to_close_timeout=timedelta(minutes=30),
    schedule_to_close_timeout=timedelta(hours=12),
    heartbeat_timeout=BEAT,
    retry_policy=_DAILY,
)
"""Reads a day of the log and writes a file."""

ERRAND = ActivityConfig(
    task_queue=TRADING,
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(minutes=2),
    retry_policy=_PATIENT,
)
"""Something that must come to pass, but holds up nothing: given up after a while, to be begun again."""
