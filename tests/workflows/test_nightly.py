"""What the nightly workflows leave is what the next hour goes by."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from activities.nightly_messages import NightlyIn, NightlyOut
from adapters.storage.engine import connect, reading
from adapters.storage.hours import Mandate, Stage
from tests.replaying import Replay, made_up, replaying
from trading.clock import TradingHour
from trading.live.documents import parse_mandate
from trading.live.sight import Sight
from workflows.names import TRADING, nightly_id
from workflows.nightly import AuditExportWorkflow, FeesWorkflow, UniverseWorkflow

CLOSED = "ETH/USD"
DEARER = {"maker_ppm": 5_000, "taker_ppm": 9_000}


async def night(replay: Replay, workflow: object, name: str, asof: datetime) -> NightlyOut:
    told = NightlyIn(track=replay.terms.track, asof=asof)
    out: NightlyOut = await replay.client.execute_workflow(
        workflow,  # type: ignore[call-overload]
        told,
        id=f"{nightly_id(told.track, name)}-{asof:%H}",
        task_queue=TRADING,
    )
    return out


async def eligible(replay: Replay, hour: TradingHour) -> dict[str, int]:
    """Run an hour; who may be entered in it, by the sight that it was decided by."""
    await asyncio.wait_for(replay.driver.run_hour(hour), 300)
    with reading(connect(replay.database)) as session:
        row = session.get_one(Stage, (replay.terms.track, hour.asof, "predict"))
        reference = row.reference
    content = (replay.terms.home / "objects" / reference[:2] / reference).read_bytes()
    sight = Sight.parse(content)
    return {name: r.eligible for name, r in zip(sight.instruments, sight.view.readings, strict=True)}


async def the_story(folder: Path) -> int:
    """Returns how many hours were run."""
    market = made_up(folder / "bars", 0)
    async with replaying(folder, market, "exercise") as replay:
        hour = market.first
        before = await eligible(replay, hour)
        assert before[CLOSED] == 1
        replay.venue.control("fault", kind="mode", endpoint="*", pair=CLOSED, args={"status": "cancel_only"})
        listing = await night(replay, UniverseWorkflow.run, "universe", hour.asof)
        assert listing.note.startswith(f"{len(market.instruments)} pairs")
        replay.venue.control("clear")
        hour = hour.next
        assert await eligible(replay, hour) == before | {CLOSED: 0}
        replay.venue.control("fault", kind="fees", args=DEARER)
        fees = await night(replay, FeesWorkflow.run, "fees", hour.asof)
        assert fees.note == "new to main"
        again = await night(replay, FeesWorkflow.run, "fees", hour.asof + timedelta(hours=1))
        assert again.note == "new to nobody"
        with reading(connect(replay.database)) as session:
            mandates = session.scalars(select(Mandate).order_by(Mandate.asof)).all()
        assert [row.asof for row in mandates] == [market.first.asof, hour.next.asof]
        assert parse_mandate(mandates[-1].document)[0].fees._asdict() == DEARER
        hour = hour.next
        await eligible(replay, hour)
        export = await night(replay, AuditExportWorkflow.run, "audit-export", hour.asof + timedelta(days=1))
        package = folder / "home" / "exports" / replay.terms.track / f"{hour.asof:%Y-%m-%d}.zip"
        assert export.note.endswith(package.name)
        assert package.stat().st_size > 0
        return hour.number - market.first.number + 1


def test_listing_and_fees_of_the_night_hold_from_the_next_hour(tmp_path: Path) -> None:
    assert asyncio.run(the_story(tmp_path)) == 3
