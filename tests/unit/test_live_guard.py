"""What the guard of a portfolio said is what its account is under when the hour opens."""

import pytest

from tests.core import desk, reading
from trading.backtest.step import Rules
from trading.codes import FLATTENING, LATCHED
from trading.live.hour import adopt
from trading.live.values import HALTED, Guarded


@pytest.mark.parametrize(("halt", "does"), [("halt-3", LATCHED), ("flatten-3", FLATTENING)])
@pytest.mark.parametrize("before", [0, LATCHED, FLATTENING])
def test_the_name_of_a_halt_says_what_it_does(halt: str, does: int, before: int) -> None:
    one = desk(reading())
    one.state.account.halted = before
    adopt(Guarded(HALTED, 3, 0, halt), 5, one.state.account, Rules(one.config, one.mandate, one.terms))
    assert one.state.account.halted == does
