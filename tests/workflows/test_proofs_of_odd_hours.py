"""Hours in which the venue kept silent, or a person traded by hand, are proved like any other."""

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import httpx
from sqlalchemy import select

from adapters.storage.engine import connect, reading
from adapters.storage.states import Proof
from simulator.auth import signature
from tests.lively import LIVELY
from tests.replaying import CACHE, Replay, made_up, replaying, start_worker
from tests.workflows.test_reconstruction import BUSY_H, proved
from trading.compiled import use_cache


def by_hand(replay: Replay, **order: str) -> None:
    """An order that somebody places in the account while our worker rests, with the account's own key."""
    (file,) = (replay.terms.home / "nonces").glob("*[0-9a-f]")
    nonce, path = file.read_text().strip(), "/0/private/AddOrder"
    body = urlencode({"nonce": nonce} | order)
    sign = signature(path, nonce, body.encode(), replay.terms.secret)
    headers = {
        "API-Key": replay.terms.key,
        "API-Sign": sign,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = httpx.post(replay.venue.address + path, content=body.encode(), headers=headers, trust_env=False)
    assert not answer.json()["error"], answer.text


async def live(folder: Path) -> dict[str, tuple[bool, str]]:
    """Returns what the proof of each hour came to, by what befell it."""
    market = made_up(folder / "bars", BUSY_H)
    async with replaying(folder, market, "exercise", config=LIVELY) as replay:
        hour, names = market.first, {}

        async def run(what: str) -> None:
            nonlocal hour
            await asyncio.wait_for(replay.driver.run_hour(hour), 300)
            await proved(replay, hour)
            names[hour.asof] = what
            hour = hour.next

        await run("quiet")
        replay.venue.control("fault", kind="close", endpoint="AddOrder", count=1, effect="applied")
        await run("an order of unknown fate")
        replay.venue.control("clear")
        replay.worker.terminate()
        replay.worker.wait(20)
        by_hand(replay, pair="XBTUSD", type="buy", ordertype="market", volume="0.01")
        replay.worker = start_worker(replay.terms, folder)
        await run("a trade by hand")
        with reading(connect(replay.database)) as session:
            rows = session.scalars(select(Proof)).all()
        return {names[row.asof]: (row.held, row.note) for row in rows}


def test_odd_hours_are_proved_like_any_other(tmp_path: Path) -> None:
    use_cache(CACHE)
    found = asyncio.run(live(tmp_path))
    assert len(found) == 3
    assert found == dict.fromkeys(found, (True, ""))
