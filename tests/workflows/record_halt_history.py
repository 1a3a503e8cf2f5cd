"""Records what a guard does on a real engine, for `test_halt_history.py`: one file a run of it."""

import asyncio
import re
import tempfile
from pathlib import Path

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import unit_of_work
from adapters.storage.halts import Halts
from tests.devserver import DevServer
from tests.halting import EQUITY, Edges, Guard, database, working
from tests.stored import NOW
from trading.risk.live_triggers import SPREAD_ANOMALY
from trading.risk.trading_state import HALTED, Standing

KEY = PortfolioKey("replay-a", "main")
HISTORIES = Path(__file__).parent / "histories"


async def recorded(server: DevServer, folder: Path) -> list[str]:
    """The histories of a guard's runs, as JSON."""
    client, engine = await server.connect(), database(folder, KEY)
    async with working(client, engine, Edges()):
        guard = Guard(client, KEY)
        await guard.start()
        await guard.mark(triggers=(SPREAD_ANOMALY,))
        for part in (100, 100, 100, 100, 90, 85, 80):
            await guard.mark(EQUITY * part // 100)
        await guard.request("ada", "halt-1")
        await guard.approve("ada", "halt-1")
        await guard.approve("bob", "halt-1")
        await guard.trip()
        await guard.handle.signal("resume", {"halt_id": "halt-3", "operator": "eve", "role": "request"})
        with unit_of_work(engine, KEY) as session:
            Halts(session, KEY).change(Standing(HALTED, 4), "by hand", "somebody", NOW)
        await guard.mark(EQUITY * 80 // 100)
        await guard.mark(EQUITY * 80 // 100)
        await guard.until(entries_cancelled=True, halt_id="halt-4")
        runs = [run async for run in client.list_workflows(f"WorkflowId = '{guard.handle.id}'")]
        handles = [client.get_workflow_handle(run.id, run_id=run.run_id) for run in runs]
        return [(await handle.fetch_history()).to_json() for handle in handles]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="ballast-history-"))
    server = DevServer(folder, "limit.historyCount.suggestContinueAsNew=100")
    server.start()
    try:
        histories = asyncio.run(recorded(server, folder))
    finally:
        server.stop()
    HISTORIES.mkdir(exist_ok=True)
    for number, history in enumerate(reversed(histories), 1):
        nameless = re.sub(r'[0-9]+@[^"]+', "recorder", history)
        (HISTORIES / f"drawdown_halt_{number}.json").write_text(nameless)


if __name__ == "__main__":
    main()
