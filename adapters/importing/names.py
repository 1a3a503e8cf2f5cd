"""Every venue's spelling of a pair -> Ballast's one name, BASE/QUOTE. Nothing else renames an asset.

Kraken has four spellings of one pair (XXBTZUSD, XBTUSD, XBT/USD, BTC/USD). The letters X and Z are prefixes
on a closed list of old assets only: XTZUSD is Tezos against the dollar, not "XT" against "ZUSD".
"""

from trading.errors import DataError

RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
OLD_ASSETS = ("XBT", "XDG", "XRP", "XLM", "XMR", "ETH", "ETC", "LTC", "ZEC", "REP", "MLN")
LEGACY = {f"X{asset}": asset for asset in OLD_ASSETS}
LEGACY_CASH = {f"Z{currency}": currency for currency in ("USD", "EUR", "GBP", "JPY", "CAD", "AUD")}
QUOTES = ("USDT", "USDC", "USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "XBT", "BTC", "ETH")


def asset(code: str) -> str:
    """One asset's name: XXBT and XBT are BTC, ZUSD is USD, SOL is SOL."""
    plain = LEGACY.get(code) or LEGACY_CASH.get(code) or code
    return RENAMED.get(plain, plain)


def pair(code: str) -> str:
    """BASE/QUOTE of a pair code, with or without a slash, hyphen or underscore; otherwise a `DataError`."""
    text = code.upper().replace("-", "/").replace("_", "/")
    base, slash, quote = text.partition("/")
    if not slash:
        base, quote = _split(text)
    if not base.isalnum() or asset(quote) not in QUOTES:
        raise DataError(f"{code} is not a pair in a known quote ({', '.join(QUOTES)}); name it like BTCUSD")
    return f"{asset(base)}/{asset(quote)}"


def _split(text: str) -> tuple[str, str]:
    old_assets = (*LEGACY, *LEGACY_CASH, "USDT", "USDC")
    for base in old_assets:
        quote = text.removeprefix(base)
        if quote in LEGACY_CASH or (quote != text and quote in LEGACY):
            return base, quote
    quote = next((quote for quote in QUOTES if text.endswith(quote)), "")
    return text.removesuffix(quote), quote
