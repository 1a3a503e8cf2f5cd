"""Marks, silence, and what an hour observes before it decides."""

from tests.core import EQUITY, HOUR, PRICE, bar, desk, market, reading
from trading.codes import BTC_MOVE, NO_CHANGE, TRADED
from trading.hour import follow_price, observe


def test_equity_is_cash_and_all_holdings_at_their_last_known_price_dust_included():
    one = desk(reading(close=11_000), reading(close=0))
    one.hold(0, 1_000)
    one.hold(1, 2_000, dust=5)
    account = one.state.account
    assert account.exposure == 1_000 * 11_000 + 2_005 * PRICE
    assert account.equity == account.cash + account.exposure
    assert account.positions == 2


def test_dust_alone_is_worth_something_but_is_no_position():
    one = desk()
    one.hold(0, 0, dust=5)
    assert (one.state.account.exposure, one.state.account.positions) == (5 * PRICE, 0)


def test_a_holding_silent_for_three_days_is_worth_a_fifth_less():
    one = desk(reading(traded=0), reading())
    one.hold(0, 1_000)
    one.state.positions[0].silent = 70
    one.mark()
    assert one.state.account.exposure == 1_000 * PRICE
    one.mark()
    assert one.state.positions[0].silent == 72
    assert one.state.account.exposure == 800 * PRICE


def test_silence_is_counted_only_while_others_trade():
    one = desk(reading(traded=0), reading(traded=0))
    one.mark()
    assert one.state.positions[0].silent == 0
    one.readings[1].traded = 1
    one.mark()
    assert one.state.positions[0].silent == 1
    one.readings[0].traded = 1
    one.mark()
    assert one.state.positions[0].silent == 0


def test_a_carried_price_is_silence_all_the_same():
    one = desk()
    follow_price(reading(traded=0), one.state.positions[0], 1)
    assert one.state.positions[0].silent == 1


def test_the_peak_follows_a_held_price_up_and_never_down():
    one = desk()
    position = one.hold(0, 1_000)
    for close, peak in ((10_500, 10_500), (10_400, 10_500), (0, 10_500), (10_600, 10_600)):
        follow_price(reading(close=close), position, 1)
        assert position.peak == peak
    assert position.mark == 10_600
    position.lots = 0
    follow_price(reading(close=12_000), position, 1)
    assert position.peak == 10_600


def test_an_hour_is_marked_before_it_is_guarded():
    one = desk(market=market(btc_return=-0.3))
    one.hold(0, 500_000)
    one.readings[0].close = 6_000
    assert observe(one.view, one.state, one.config, one.mandate, one.terms) == BTC_MOVE
    account = one.state.account
    assert account.equity == EQUITY - 500_000 * 4_000
    assert (account.tier, account.halted, account.halt_hour, account.move_clear_h) == (3, 1, HOUR, 6)


def test_an_hour_with_an_order_has_traded_and_one_without_has_not():
    one = desk()
    assert one.decide() == TRADED
    one.readings[0].eligible = 0
    assert one.decide() == NO_CHANGE


def test_an_entry_lives_through_stop_and_cooldown_to_be_entered_again():
    one = desk()
    for hour, traded in ((HOUR, 1), (HOUR + 1, 0), (HOUR + 24, 0), (HOUR + 25, 1)):
        one.market.hour = hour
        assert one.decide() == (TRADED if traded else NO_CHANGE)
        first = one.log.used[0]
        one.play(bar(10_000, 10_000, 9_000, 9_500))
        one.settle(first)
        assert one.state.positions[0].lots == 0
