"""Records what the workflows of an hour do on a real engine, for `test_hour_histories.py` and `test_hour.py`.

Run `python -m tests.workflows.record_hour_histories` after a change that is meant to change their commands.
"""

import asyncio
import re
import tempfile
from pathlib import Path

from tests.hour_histories import HISTORIES, of_hour
from tests.lively import LIVELY
from tests.replaying import made_up, replaying
from workflows.names import proof_id

BUSY_H = 52


async def recorded(folder: Path) -> dict[str, str]:
    """Histories as JSON, by name."""
    market = made_up(folder / "bars", BUSY_H)
    async with replaying(folder, market, "exercise", config=LIVELY) as replay:
        await replay.driver.run_hour(market.first)
        proof = proof_id(replay.terms.track, market.first.asof)
        await replay.client.get_workflow_handle(proof).result()
        found = await of_hour(replay, market.first)
        return {name: history.to_json() for name, history in found.items()}


def main() -> None:
    histories = asyncio.run(recorded(Path(tempfile.mkdtemp(prefix="ballast-history-"))))
    for name, history in histories.items():
        (HISTORIES / f"hour_{name}.json").write_text(re.sub(r'[0-9]+@[^"]+', "recorder", history))


if __name__ == "__main__":
    main()
