"""The workload's rules as compiled callbacks of vectorbt's order function, on arrays that they share.

`book` holds equity and its peak; `cursor` the phase of the hour (sell, buy, protect), the place in it, and
the number of buys that the last decision wants; `wanted` is the value to buy of each instrument, `leave` 1
where it shall go.
"""
# ruff: noqa: ARG001

from numba import njit
from vectorbt.portfolio import nb
from vectorbt.portfolio.enums import NoOrder
from workload import DRAWDOWNS, ENTER, EXIT, EXPOSURE, FEE, HOLD_H, POSITIONS, SIZE, SLIPPAGE, STOP, TARGET

SELL, BUY, PROTECT = 0, 1, 2


@njit
def before_hour(c, open_, high, low, score, stop, target, wanted, since, leave, order, book, cursor):
    cursor[0], cursor[1] = SELL, 0
    return open_, high, low, score, stop, target, wanted, since, leave, order, book, cursor


@njit
def next_order(c, open_, high, low, score, stop, target, wanted, since, leave, order, book, cursor):
    """The next order of the hour: sales of the decision, its purchases best first, then stops and targets."""
    t, count = c.i, len(stop)
    while cursor[0] == SELL:
        a = cursor[1]
        cursor[1] += 1
        if a == count:
            cursor[0], cursor[1] = BUY, 0
        elif leave[a] == 1:
            leave[a] = 0
            return a, nb.order_nb(size=-c.last_position[a], price=open_[t, a], fees=FEE, slippage=SLIPPAGE)
    while cursor[0] == BUY:
        k = cursor[1]
        cursor[1] += 1
        if k >= cursor[2]:
            cursor[0], cursor[1] = PROTECT, 0
            continue
        a = order[k]
        price = open_[t, a] * (1 + SLIPPAGE)
        if wanted[a] * (1 + FEE) <= c.last_cash[0]:
            stop[a], target[a], since[a] = price * (1 - STOP), price * (1 + TARGET), t
            return a, nb.order_nb(size=wanted[a] / price, price=open_[t, a], fees=FEE, slippage=SLIPPAGE)
    while cursor[1] < count:
        a = cursor[1]
        cursor[1] += 1
        held = c.last_position[a]
        if held > 0 and low[t, a] <= stop[a]:
            return a, nb.order_nb(size=-held, price=min(open_[t, a], stop[a]), fees=FEE, slippage=SLIPPAGE)
        if held > 0 and high[t, a] >= target[a]:
            return a, nb.order_nb(size=-held, price=max(open_[t, a], target[a]), fees=FEE)
    return -1, NoOrder


@njit
def after_hour(c, open_, high, low, score, stop, target, wanted, since, leave, order, book, cursor):
    """Mark at the close and decide for the next hour."""
    t, count, exposure, positions = c.i, len(stop), 0.0, 0
    for a in range(count):
        exposure += c.last_position[a] * c.close[t, a]
        positions += 1 if c.last_position[a] > 0 else 0
    book[0] = c.last_cash[0] + exposure
    book[1] = max(book[1], book[0])
    fall = 1 - book[0] / book[1]
    for a in range(count):
        if c.last_position[a] > 0:
            due = score[t, a] < EXIT or t - since[a] >= HOLD_H or fall >= DRAWDOWNS[2]
            leave[a] = 1 if due else 0
    size = SIZE * book[0] * (0.5 if fall >= DRAWDOWNS[0] else 1.0)
    room = min(POSITIONS - positions, int(max(EXPOSURE * book[0] - exposure, 0.0) / size))
    cursor[2] = 0
    if fall >= DRAWDOWNS[1] or room <= 0:
        return
    found = 0
    for a in range(count):
        if score[t, a] > ENTER and c.last_position[a] == 0:
            k = found
            while k > 0 and score[t, order[k - 1]] < score[t, a]:
                order[k] = order[k - 1]
                k -= 1
            order[k] = a
            found += 1
    cursor[2] = min(found, room)
    for k in range(cursor[2]):
        wanted[order[k]] = size
