"""Histories of an hour's workflows: where they lie, and the commands that each of them gave."""

import json
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from tests.replaying import Replay
from trading.clock import TradingHour
from workflows.names import hour_id, order_id, portfolio_hour_id, proof_id, shard_id

HISTORIES = Path(__file__).parent / "workflows" / "histories"
COMMANDS = {
    "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED": ("activityTaskScheduledEventAttributes", "activityType"),
    "EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED": (
        "startChildWorkflowExecutionInitiatedEventAttributes",
        "workflowType",
    ),
    "EVENT_TYPE_TIMER_STARTED": ("", ""),
    "EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES": ("", ""),
    "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED": ("", ""),
}


async def of_hour(replay: Replay, hour: TradingHour) -> dict[str, WorkflowHistory]:
    """The histories of one hour of the portfolio `main`, by what they are of."""
    at = (replay.terms.track, hour.asof)
    ids = {
        "trading_hour": hour_id(*at),
        "shard": shard_id(*at, 0),
        "proof": proof_id(*at),
        "portfolio_hour": portfolio_hour_id(*at, "main"),
    }
    ids |= {f"order_{name[:3]}": order_id(*at, "main", name) for name in replay.market.instruments}
    found = {}
    for name, id in ids.items():
        if [run async for run in replay.client.list_workflows(f"WorkflowId = '{id}'")]:
            found[name] = await replay.client.get_workflow_handle(id).fetch_history()
    return found


def commands(history: WorkflowHistory) -> list[str]:
    """What a workflow asked the engine for, in order: its fingerprint, for people to read."""
    told = []
    for event in json.loads(history.to_json())["events"]:
        if event["eventType"] in COMMANDS:
            attributes, kind = COMMANDS[event["eventType"]]
            what: Any = event.get(attributes, {}).get(kind, {}).get("name", "")
            told.append(f"{event['eventType'].removeprefix('EVENT_TYPE_').lower()} {what}".strip())
    return told
