"""Candles are folded from prints, each past hour once: whoever asked before sees what a newcomer sees."""

import pytest

from simulator.market import MarketData
from simulator.public import INTERVALS
from simulator.tape import HOUR_NS
from tests.venue import QUIET, START_NS, venue
from trading.backtest.matching import Bar

RISING = Bar(1, 80_000, 81_000, 79_000, 80_500, 10_000_000)
SILENT = Bar(0, 80_000, 80_000, 80_000, 80_000, 0)


@pytest.mark.parametrize("minutes", INTERVALS)
def test_candles_are_the_same_however_often_they_were_asked_for(minutes: int) -> None:
    of = venue(RISING, SILENT, QUIET, RISING, SILENT, RISING)
    seasoned = MarketData(of.exchange)
    for part in range(1, 22):
        of.exchange.advance(START_NS + part * HOUR_NS // 4)
        candles = seasoned.candles(0, minutes)
        assert candles == MarketData(of.exchange).candles(0, minutes)
        assert sum(candle.volume for candle in candles) == sum(p.lots for p in seasoned.prints(0, 0))
    assert all(candle.low <= candle.open <= candle.high for candle in candles)
