"""Anyone may tighten; who loosens names what he lifts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.halts import Halts
from tests.stored import NOW, opened
from trading.errors import UsageError
from trading.risk.trading_state import ACTIVE, HALTED, REDUCING, STATES, Standing


def standing(engine: Engine, key: PortfolioKey) -> Standing:
    with reading(engine) as session:
        return Halts(session, key).standing()


def tighten(engine: Engine, key: PortfolioKey, state: str) -> Standing:
    with unit_of_work(engine, key) as session:
        return Halts(session, key).tighten(state, "drawdown", "guard", NOW)


def loosen(engine: Engine, key: PortfolioKey, state: str, epoch: int) -> Standing:
    with unit_of_work(engine, key) as session:
        return Halts(session, key).loosen(state, epoch, "reviewed", "ada", NOW)


def test_a_portfolio_nobody_ever_released_is_halted(engine: Engine, key: PortfolioKey) -> None:
    assert standing(engine, key) == (HALTED, 0)


def test_a_resume_lifts_the_halt_it_names_and_no_later_one(engine: Engine, key: PortfolioKey) -> None:
    assert loosen(engine, key, ACTIVE, 0) == (ACTIVE, 1)
    assert tighten(engine, key, HALTED) == (HALTED, 2)
    assert tighten(engine, key, HALTED) == (HALTED, 3)
    with pytest.raises(UsageError, match="halt 2 is not the one that holds"):
        loosen(engine, key, ACTIVE, 2)
    assert standing(engine, key) == (HALTED, 3)
    assert loosen(engine, key, ACTIVE, 3) == standing(engine, key) == (ACTIVE, 4)


def test_reducing_comes_and_goes_without_an_epoch(engine: Engine, key: PortfolioKey) -> None:
    loosen(engine, key, ACTIVE, 0)
    assert tighten(engine, key, REDUCING) == (REDUCING, 1)
    assert tighten(engine, key, ACTIVE) == (REDUCING, 1)
    assert loosen(engine, key, ACTIVE, 1) == (ACTIVE, 1)
    tighten(engine, key, HALTED)
    assert tighten(engine, key, REDUCING) == (HALTED, 2)


def test_tightening_is_not_called_loosening(engine: Engine, key: PortfolioKey) -> None:
    loosen(engine, key, ACTIVE, 0)
    for state in STATES:
        with pytest.raises(UsageError, match="is not looser"):
            loosen(engine, key, state, 1)


steps = st.lists(st.tuples(st.booleans(), st.sampled_from(STATES)), max_size=12)


@settings(max_examples=20)
@given(steps=steps)
def test_nothing_but_a_resume_loosens_and_no_epoch_comes_twice(
    engine: Engine, steps: list[tuple[bool, str]]
) -> None:
    key = opened(engine)
    held = standing(engine, key)
    for loosens, state in steps:
        try:
            now = loosen(engine, key, state, held.epoch) if loosens else tighten(engine, key, state)
        except UsageError:
            now = standing(engine, key)
            assert now == held
        assert now.epoch >= held.epoch
        if STATES.index(now.state) < STATES.index(held.state):
            assert loosens
        if HALTED in (now.state, held.state) and now != held:
            assert now.epoch == held.epoch + 1
        held = now
    with engine.connect() as connection:
        query = "SELECT epoch FROM state_changes WHERE portfolio = :portfolio ORDER BY number"
        epochs = list(connection.scalars(text(query), {"portfolio": key.portfolio}))
    assert epochs == sorted(epochs)
