"""What has to be true of an account before Ballast trades on it; each failure says what to do."""

from datetime import datetime

from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi
from trading.errors import UsageError, VenueUnavailable

FORBIDDEN = frozenset({"withdraw-funds", "add-withdraw-address", "update-withdraw-address"})
NEEDED = frozenset(
    {
        "query-funds",
        "query-open-trades",
        "query-closed-trades",
        "query-ledger",
        "modify-trades",
        "close-trades",
    }
)
SKEW_S_MAX = 10.0


def check_key(private: PrivateApi) -> None:
    """Refuse a key that may withdraw, or that cannot do the work; a `UsageError` names the permissions."""
    permissions = private.key_info().permissions
    # Read broadly: a permission of a new name that speaks of withdrawing is refused too.
    dangerous = sorted(name for name in permissions if name in FORBIDDEN or "withdraw" in name.lower())
    if dangerous:
        raise UsageError(f"the API key may {', '.join(dangerous)}; make a key without and use that")
    missing = sorted(NEEDED - permissions)
    if missing:
        raise UsageError(f"the API key lacks {', '.join(missing)}; add these permissions at Kraken")


def check_spot_only(private: PrivateApi) -> None:
    """Refuse an account with a margin position or borrowed funds; a `UsageError` says what is open."""
    positions = private.open_positions()
    totals = private.trade_balance()
    if positions or totals.margin != 0 or totals.margin_level is not None:
        raise UsageError(f"the account has {positions or 'some'} open margin positions; close them first")
    borrowed = sorted(asset for asset, held in private.balances().items() if held.credit_used != 0)
    if borrowed:
        raise UsageError(f"the account owes {', '.join(borrowed)}; repay it first")


def check_clock(public: PublicApi, now: datetime) -> None:
    """Refuse a clock far from the venue's, which deadlines are measured by; a `UsageError` tells how far."""
    ahead_s = now.timestamp() - public.time().unixtime
    if abs(ahead_s) > SKEW_S_MAX:
        raise UsageError(f"this clock is {ahead_s:+.0f} s off Kraken's; set it right (NTP) and start again")


def check_online(public: PublicApi) -> None:
    """`VenueUnavailable` unless the whole venue takes orders."""
    status = public.system_status().status
    if status != "online":
        raise VenueUnavailable(f"Kraken is in {status}; wait until it is online")
