"""Records what the workflows of an hour do on a real engine, for `test_hour_histories.py` and `test_hour.py`.

Run `python -m tests.workflows.record_hour_histories` after a change that is meant to change their commands.
"""

import asyncio
import re
import tempfile
from pathlib import Path

from activities.messages import ShardIn
from adapters.clock import SystemClock
from adapters.storage.engine import connect
from adapters.storage.tracks import Tracks
from tests.hour_histories import HISTORIES, of_hour
from tests.lively import LIVELY
from tests.replaying import Replay, made_up, replaying
from trading.clock import TradingHour
from workflows.names import TRADING, proof_id, shard_id
from workflows.portfolio_shard import PortfolioShardWorkflow

BUSY_H = 52


async def recorded(folder: Path) -> dict[str, str]:
    """Histories as JSON, by name."""
    market = made_up(folder / "bars", BUSY_H)
    async with replaying(folder, market, "exercise", config=LIVELY) as replay:
        await replay.driver.run_hour(market.first)
        proof = proof_id(replay.terms.track, market.first.asof)
        await replay.client.get_workflow_handle(proof).result()
        await work_shard_again(replay, market.first)
        found = await of_hour(replay, market.first)
        return {name: history.to_json() for name, history in found.items()}


async def work_shard_again(replay: Replay, hour: TradingHour) -> None:
    """As one of several shards, which finds everything done: a lone one is worked by its hour."""
    tracks, at = Tracks(connect(replay.database), SystemClock()), (replay.terms.track, hour)
    told = ShardIn(
        track=replay.terms.track,
        asof=hour.asof,
        portfolios=tracks.stage(*at, "roll"),
        first=0,
        count=1,
        view=tracks.stage(*at, "predict"),
    )
    id = shard_id(replay.terms.track, hour.asof, 0)
    await replay.client.execute_workflow(PortfolioShardWorkflow.run, told, id=id, task_queue=TRADING)


def main() -> None:
    histories = asyncio.run(recorded(Path(tempfile.mkdtemp(prefix="ballast-history-"))))
    for name, history in histories.items():
        (HISTORIES / f"hour_{name}.json").write_text(re.sub(r'[0-9]+@[^"]+', "recorder", history))


if __name__ == "__main__":
    main()
