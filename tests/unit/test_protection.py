"""After every fill and every hour the resting stops are the wanted ones."""

from tests.core import desk, reading
from trading.execution.protection import protect


def test_every_position_rests_its_stop_for_all_its_lots():
    one = desk(reading(), reading())
    one.hold(0, 1_000, stop=9_000)
    one.hold(1, 500, stop=8_000)
    for holding in one.holdings:
        holding.stop = holding.stop_lots = 1
    protect(one.state, one.holdings)
    assert [(holding.stop, holding.stop_lots) for holding in one.holdings] == [(9_000, 1_000), (8_000, 500)]


def test_protecting_twice_changes_nothing():
    one = desk()
    one.hold(0, 1_000, stop=9_000)
    protect(one.state, one.holdings)
    protect(one.state, one.holdings)
    assert (one.holdings[0].stop, one.holdings[0].stop_lots) == (9_000, 1_000)


def test_dust_and_positions_without_a_stop_rest_none():
    one = desk(reading(), reading())
    one.hold(0, 0, stop=9_000, dust=5)
    one.hold(1, 1_000, stop=0)
    for holding in one.holdings:
        holding.stop = holding.stop_lots = 1
    protect(one.state, one.holdings)
    assert [(holding.stop, holding.stop_lots) for holding in one.holdings] == [(0, 0), (0, 0)]
