"""One source, two ways to run it: compiled over packed records or plain over objects."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import numpy as np
import pytest

from config.instruments import grid_for
from simulator.generator import VENUE, generate
from tests.books import Form
from tests.core import CONFIG
from trading.backtest import inputs
from trading.backtest.contest import advice, unlimited
from trading.backtest.engine import Logs, Portfolio, packed_config, simulate
from trading.backtest.inputs import Scene, blocks, scene
from trading.backtest.matching import Bar
from trading.backtest.step import Advice, Books, DecisionRow, EquityRow, Inputs, Rules, close, run
from trading.clock import DAY_H
from trading.codes import FLATTEN, FLATTENING
from trading.compiled import compiled
from trading.config import DataVenue, TradingConfig
from trading.execution.fills import Fill
from trading.grid import dense
from trading.hour import PREDICTIONS, SIGNALS, Mandate
from trading.market import Grid
from trading.models.protocol import Predictions, nothing
from trading.policies.benchmarks import POLICIES, signals
from trading.portfolio import Market, PortfolioState, Reading, Signal, Terms, View
from trading.records import table, unpacked
from trading.risk.drawdown import trip
from trading.universe import Universe

INSTRUMENTS, WARM_H, HOURS = 8, 2_904, 480
BEGIN = 470_016
FIRST, LAST = BEGIN + WARM_H, BEGIN + WARM_H + HOURS
OPENING = 100_000 * 100_000_000
FLOWS = {FIRST + 50: 5_000 * 100_000_000, FIRST + 200: -3_000 * 100_000_000}
MISSED = (FIRST + 70, FIRST + 71, FIRST + 200)
LEARNED = "predictions"
DRIVERS = (LEARNED, *POLICIES)


@pytest.fixture(scope="module")
def market() -> Scene:
    """Twenty days of a generated market after a warm-up; every instrument is in the universe."""
    bars = generate(15, WARM_H + HOURS + 1, INSTRUMENTS, BEGIN)
    grid = dense(VENUE, bars, BEGIN, LAST)
    days = grid.hours // DAY_H + 1
    shape = (days, INSTRUMENTS)
    universe = Universe(
        grid.valid, BEGIN, np.zeros(shape, dtype=np.int8), np.full(shape, 1e9), np.full(shape, 5.0)
    )
    instruments = [grid_for(name) for name in grid.instruments]
    return scene(grid, instruments, DataVenue("USD", 1.0, False), universe, FIRST)


def predicted(grid: Grid) -> Predictions:
    """Drawn predictions strong enough to trade, with holes."""
    random = np.random.default_rng(5)
    made = nothing(FIRST, HOURS + 1, len(grid.instruments))
    shape = made.p24.shape
    made.p24[:], made.p4[:] = random.uniform(0.4, 0.75, shape), random.uniform(0.45, 0.6, shape)
    made.e24[:] = random.uniform(-0.02, 0.06, shape)
    made.e24[random.random(shape) < 0.02] = np.nan
    made.e_hold[:] = 2.0 * made.e24
    made.p_high_vol[:] = random.uniform(0.0, 1.0, HOURS + 1)
    made.veto[:] = np.where(random.random(made.veto.shape) < 0.2, random.integers(1, 8, made.veto.shape), 0)
    return made


def all_blocks(market: Scene) -> Iterator[Inputs]:
    return blocks(market, FIRST, LAST, CONFIG.execution, predicted(market.grid), FLOWS, MISSED)


@pytest.fixture(scope="module")
def block(market: Scene) -> Inputs:
    """All hours in one block."""
    (only,) = all_blocks(market)
    return only


def mandate_of(driver: str, market: Scene, raw: bool = False) -> tuple[TradingConfig, Mandate, Advice | None]:
    config = unlimited(CONFIG) if raw else CONFIG
    if driver == LEARNED:
        return config, Mandate(PREDICTIONS, 0, int(raw), 48), None
    daily = signals(driver, market.grid, market.universe.eligible)
    mandate = Mandate(SIGNALS, daily.kind, int(raw or daily.portfolio_rules_only), 48)
    return config, mandate, advice(daily)


def portfolio(driver: str, market: Scene, raw: bool = False) -> Portfolio:
    config, mandate, given = mandate_of(driver, market, raw)
    return Portfolio(OPENING, config, mandate, market.instruments, given)


def plain_inputs(block: Inputs) -> Inputs:
    return Inputs(
        unpacked(Market, block.market),
        [unpacked(Reading, row) for row in block.readings],
        [unpacked(Bar, row) for row in block.bars],
    )


def rules_of(driver: str, market: Scene, form: Form, raw: bool = False) -> tuple[Rules, Advice]:
    config, mandate, given = mandate_of(driver, market, raw)
    given = given or Advice(0, table(Signal, 1, INSTRUMENTS))  # type: ignore[arg-type]
    terms = [Terms.of(instrument) for instrument in market.instruments]
    if form.packed:
        return Rules(packed_config(config), form.one(mandate), form.many(Terms, terms)), given
    days = [unpacked(Signal, row) for row in given.days]
    return Rules(config, mandate, terms), Advice(given.day_first, days)


def rows(books: Books) -> list[list[Any]]:
    """What was logged, as plain records."""
    found = []
    for record, log in ((DecisionRow, books.decisions), (Fill, books.fills), (EquityRow, books.equity)):
        used = log.rows[: log.used[0]]
        found.append(unpacked(record, used) if isinstance(used, np.ndarray) else list(used))
    return found


def logged(logs: Logs) -> list[list[Any]]:
    return [unpacked(record, of) for record, of in zip((DecisionRow, Fill, EquityRow), logs, strict=True)]


@pytest.mark.parametrize("raw", [False, True], ids=["ruled", "raw"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_plain_and_compiled_runs_agree_on_every_integer(
    driver: str, raw: bool, market: Scene, block: Inputs
) -> None:
    fast = portfolio(driver, market, raw)
    (logs,) = simulate([block], [fast])
    form = Form(packed=False)
    rules, given = rules_of(driver, market, form, raw)
    books, plain = form.books(PortfolioState.opening(OPENING, INSTRUMENTS), HOURS + 1), plain_inputs(block)
    assert run(plain, given, rules, books, 0, HOURS) == HOURS
    close(View(plain.market[-1], plain.readings[-1]), rules, books)
    assert logged(logs) == rows(books)
    assert fast.state() == books.state
    assert fast.state().digest() == books.state.digest()


def test_the_compared_runs_trade(market: Scene, block: Inputs) -> None:
    fills = {driver: len(simulate([block], [portfolio(driver, market)])[0].fills) for driver in DRIVERS}
    assert fills.pop("cash") == 0
    assert fills[LEARNED] > 50
    assert all(fills.values()), fills


def test_a_day_at_a_time_is_the_same_as_all_at_once(
    market: Scene, block: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "BLOCK_H", DAY_H)
    daily = list(all_blocks(market))
    assert len(daily) > 10
    whole = simulate([block], [portfolio(driver, market) for driver in DRIVERS])
    parts = simulate(daily, [portfolio(driver, market) for driver in DRIVERS])
    assert [logs.digest() for logs in parts] == [logs.digest() for logs in whole]


def test_the_same_run_twice_has_the_same_digest_on_any_number_of_threads(
    market: Scene, block: Inputs
) -> None:
    def digest(driver: str) -> str:
        return simulate([block], [portfolio(driver, market)])[0].digest()

    alone = [digest(driver) for driver in DRIVERS]
    assert len(set(alone)) == len(DRIVERS)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digest, DRIVERS)) == alone


@pytest.mark.parametrize("form", [Form(packed=True), Form(packed=False)], ids=["compiled", "plain"])
@pytest.mark.parametrize("driver", [LEARNED, "trend-vote"])
def test_a_restart_from_the_plain_state_goes_on_as_if_nothing_happened(
    driver: str, form: Form, market: Scene, block: Inputs
) -> None:
    rules, given = rules_of(driver, market, form)
    given_inputs, loop = (block, compiled(run)) if form.packed else (plain_inputs(block), run)
    whole = form.books(PortfolioState.opening(OPENING, INSTRUMENTS), HOURS)
    loop(given_inputs, given, rules, whole, 0, HOURS)
    state, parts = PortfolioState.opening(OPENING, INSTRUMENTS), []
    for first, stop in ((0, 137), (137, 138), (138, HOURS)):
        books = form.books(state, HOURS)
        loop(given_inputs, given, rules, books, first, stop)
        state = form.plain(books.state)
        parts.append(rows(books))
    assert [list(chain(*logs)) for logs in zip(*parts, strict=True)] == rows(whole)
    assert state.digest() == form.plain(whole.state).digest()


@pytest.mark.parametrize("driver", [LEARNED, "trend-vote"])
def test_a_halt_that_flattens_sells_everything_compiled_as_plain(
    driver: str, market: Scene, block: Inputs
) -> None:
    ends = []
    for form in (Form(packed=True), Form(packed=False)):
        rules, given = rules_of(driver, market, form)
        given_inputs, loop = (block, compiled(run)) if form.packed else (plain_inputs(block), run)
        books = form.books(PortfolioState.opening(OPENING, INSTRUMENTS), 137)
        loop(given_inputs, given, rules, books, 0, 137)
        state = form.plain(books.state)
        assert any(position.lots for position in state.positions)
        trip(FIRST + 137, state.account)
        state.account.halted = FLATTENING
        after = form.books(state, HOURS)
        loop(given_inputs, given, rules, after, 137, 147)
        ends.append((rows(after), form.plain(after.state)))
    (compiled_rows, compiled_end), (plain_rows, plain_end) = ends
    assert (compiled_rows, compiled_end) == (plain_rows, plain_end)
    assert {row.reason for row in plain_rows[0] if row.approved_lots} >= {FLATTEN}
    assert all(row.approved_lots <= 0 for row in plain_rows[0])
    assert not any(position.lots for position in plain_end.positions)


def test_logs_without_room_stop_the_loop_before_they_overflow(market: Scene, block: Inputs) -> None:
    form = Form(packed=True)
    rules, given = rules_of(LEARNED, market, form)
    books = form.books(PortfolioState.opening(OPENING, INSTRUMENTS), hours=40)
    assert compiled(run)(block, given, rules, books, 0, HOURS) == 40
    assert books.equity.used[0] == 40
    assert compiled(run)(block, given, rules, books, 40, HOURS) == 40
