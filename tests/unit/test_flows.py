"""Flows folded into a state: money waits for the mark, coins move as dust at their worth."""

from config.instruments import grid_for
from tests.venue import reading
from trading.live.flows import Flow, move_coins, take_flows, with_flow
from trading.portfolio import Market, PortfolioState, Position, Terms, View, value_at
from trading.records import blank

BTC = grid_for("BTC/USD")
CASH = 1_000 * 100_000_000
CLOSE = 80_000
TERMS = Terms.of(BTC)


def opened() -> tuple[PortfolioState, View]:
    return PortfolioState.opening(CASH, 1), View(blank(Market, 1)[0], [reading(CLOSE)])


def flow(asset: str, amount: int, *, is_income: bool = False) -> Flow:
    return Flow("L1", asset, amount, is_income)


def test_money_is_left_to_be_booked_at_the_mark() -> None:
    state, view = opened()
    assert take_flows([flow("USD", 500), flow("USD", -200)], state, view, [BTC]) == 300
    assert state.account.cash == CASH


def test_a_reward_is_income_at_once() -> None:
    state, view = opened()
    assert take_flows([flow("USD", 500, is_income=True)], state, view, [BTC]) == 0
    assert state.account.cash == CASH + 500


def test_coins_come_in_as_dust_and_their_worth_passes_through_cash() -> None:
    state, view = opened()
    lots = BTC.lots_per_unit // 10
    total = take_flows([flow("BTC", lots)], state, view, [BTC])
    assert total == value_at(CLOSE, lots, TERMS)
    assert state.account.cash + total == CASH
    assert (state.positions[0].lots, state.positions[0].dust) == (0, lots)


def test_an_asset_that_is_no_instrument_is_no_part_of_the_portfolio() -> None:
    state, view = opened()
    assert take_flows([flow("SHIB", 10**12)], state, view, [BTC]) == 0
    assert state == opened()[0]


def test_coins_leave_dust_first_and_then_the_position_at_its_cost() -> None:
    (position,) = blank(Position, 1)
    position.lots, position.dust, position.cost, position.stop = 1_000_000, 100, 900, 7
    move_coins(-500_100, position, TERMS)
    assert (position.lots, position.dust, position.cost, position.stop) == (500_000, 0, 450, 7)
    move_coins(-500_000, position, TERMS)
    assert (position.lots, position.dust, position.cost, position.stop) == (0, 0, 0, 0)


def test_only_a_portfolio_with_a_flow_has_a_view_of_its_own() -> None:
    _, view = opened()
    assert with_flow(view, 0) is view
    assert with_flow(view, 5).market.flow == 5
    assert view.market.flow == 0
