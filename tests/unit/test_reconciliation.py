"""A difference of one lot or one unit of money between the venue's books and ours latches a halt."""

import pytest

from tests.core import HOUR, Desk, desk
from trading.execution.reconciliation import reconcile


def holder() -> Desk:
    one = desk()
    one.hold(0, 1_000, dust=3)
    return one


def test_equal_books_reconcile_dust_included():
    one = holder()
    assert one.holdings[0].lots == 1_003
    assert reconcile(HOUR, one.state, one.purse[0], one.holdings)
    assert (one.state.account.unreconciled, one.state.account.halted) == (0, 0)


@pytest.mark.parametrize(("cash", "lots"), [(1, 0), (-1, 0), (0, 1), (0, -1), (0, -3)])
def test_the_smallest_difference_latches_a_halt(cash: int, lots: int):
    one = holder()
    one.holdings[0].lots += lots
    assert not reconcile(HOUR, one.state, one.purse[0] + cash, one.holdings)
    account = one.state.account
    assert (account.unreconciled, account.halted, account.halt_hour, account.halt_epoch) == (1, 1, HOUR, 1)


def test_the_halt_outlives_the_difference():
    one = holder()
    reconcile(HOUR, one.state, one.purse[0] + 1, one.holdings)
    assert reconcile(HOUR + 1, one.state, one.purse[0], one.holdings)
    account = one.state.account
    assert (account.unreconciled, account.halted, account.halt_hour) == (0, 1, HOUR)
