"""All spellings of a pair lead to one name."""

import pytest

from adapters.importing.names import asset, pair
from trading.errors import DataError


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("XXBTZUSD", "BTC/USD"),
        ("XBTUSD", "BTC/USD"),
        ("XBT/USD", "BTC/USD"),
        ("BTC-USD", "BTC/USD"),
        ("btcusdt", "BTC/USDT"),
        ("XBTUSDC", "BTC/USDC"),
        ("XDGUSD", "DOGE/USD"),
        ("XXDGXXBT", "DOGE/BTC"),
        ("XETHXXBT", "ETH/BTC"),
        ("XETHZEUR", "ETH/EUR"),
        ("ETHXBT", "ETH/BTC"),
        ("XTZUSD", "XTZ/USD"),
        ("XTZEUR", "XTZ/EUR"),
        ("XMRUSD", "XMR/USD"),
        ("ZECUSD", "ZEC/USD"),
        ("XZECZUSD", "ZEC/USD"),
        ("ARBUSD", "ARB/USD"),
        ("SUSD", "S/USD"),
        ("USDTZUSD", "USDT/USD"),
        ("ZEURZUSD", "EUR/USD"),
        ("1INCHUSD", "1INCH/USD"),
        ("MATICUSDT", "MATIC/USDT"),
    ],
)
def test_a_pair_has_one_name(spelled: str, name: str) -> None:
    assert pair(spelled) == name
    assert pair(name) == name


@pytest.mark.parametrize("spelled", ["", "USD", "README", "BTC", "BTC/", "/USD", "BTCXYZ", "..USD"])
def test_what_is_no_pair_is_refused(spelled: str) -> None:
    with pytest.raises(DataError, match="known quote"):
        pair(spelled)


def test_only_the_old_assets_carry_a_prefix() -> None:
    assert [asset(code) for code in ("XXBT", "ZUSD", "XTZ", "ZEC", "XDC")] == [
        "BTC",
        "USD",
        "XTZ",
        "ZEC",
        "XDC",
    ]
