"""Signatures by Kraken's own example, and what the signer refuses whoever asks."""

import logging
import pickle
import traceback
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kraken.auth import Credentials, KrakenAuth, RenewedCredentials
from adapters.kraken.endpoints import PRIVATE, check_signable
from adapters.kraken.errors import KrakenRefused
from trading.errors import InvariantError, UsageError

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
NONCE = 1616492376594
ORDER = "ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
ORDER_SIGN = "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="


class OneNonce:
    """Always Kraken's example."""

    def next(self) -> int:
        return NONCE


def signed(path: str, body: str) -> httpx.Request:
    auth = KrakenAuth(Credentials("the-public-key", SECRET), OneNonce())
    request = httpx.Request("POST", f"https://kraken.test{path}", content=body.encode())
    return next(auth.auth_flow(request))


def test_the_signature_is_the_one_that_kraken_publishes() -> None:
    request = signed("/0/private/AddOrder", ORDER)
    assert request.headers["API-Sign"] == ORDER_SIGN
    assert request.headers["API-Key"] == "the-public-key"
    assert request.content == f"nonce={NONCE}&{ORDER}".encode()
    assert request.headers["Content-Length"] == str(len(request.content))


@pytest.mark.parametrize(
    ("path", "body", "sign"),
    [
        (
            "/0/private/Balance",
            f"nonce={NONCE}",
            "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/VgpEji3j1XNwI+HCbfXxmrTOg==",
        ),
        (
            "/0/private/Balance",
            f"nonce={NONCE}&otp=123456",
            "jbyoyzbCFde1u0Rnp3ChMEofg5y4E4qpI247mcYicXoAi4c201b8GKM5LmshBvKP9WVm+UFHd710qkGBE0tRJw==",
        ),
    ],
)
def test_further_bodies_sign_as_computed_elsewhere(path: str, body: str, sign: str) -> None:
    assert Credentials("k", SECRET).sign(path, NONCE, body) == sign


def test_each_request_is_signed_by_what_is_good_when_it_leaves() -> None:
    held = ["first", SECRET]
    auth = KrakenAuth(RenewedCredentials(lambda: (held[0], held[1])), OneNonce())
    request = httpx.Request("POST", "https://kraken.test/0/private/AddOrder", content=ORDER.encode())
    before = next(auth.auth_flow(request)).headers
    held[:] = ["second", "c2Vjb25k"]
    after = next(auth.auth_flow(request)).headers
    assert (before["API-Key"], before["API-Sign"]) == ("first", ORDER_SIGN)
    expected = Credentials("second", "c2Vjb25k").sign("/0/private/AddOrder", NONCE, f"nonce={NONCE}&{ORDER}")
    assert (after["API-Key"], after["API-Sign"]) == ("second", expected)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_value_arrives_as_it_was_and_is_what_was_signed(value: str) -> None:
    body = str(httpx.QueryParams({"pair": value}))
    request = signed("/0/private/TradeVolume", body)
    assert dict(parse_qsl(request.content.decode()))["pair"] == value
    expected = Credentials("k", SECRET).sign("/0/private/TradeVolume", NONCE, request.content.decode())
    assert request.headers["API-Sign"] == expected


@pytest.mark.parametrize(
    "field",
    [
        "leverage=2",
        "leverage=none",
        "reduce_only=false",
        "margin=true",
        "Leverage=2",
        "ordertype=settle-position",
        "ordertype=take-profit",
        "oflags=fciq,viqc",
        "close%5Bordertype%5D=limit",
        "type=short",
        "timeinforce=FOK",
        "volume=1&volume=2",
        "asset_class=tokenized_asset",
    ],
)
def test_no_order_with_such_a_field_is_ever_signed(field: str) -> None:
    with pytest.raises(InvariantError, match="nothing was sent"):
        signed("/0/private/AddOrder", f"pair=XBTUSD&{field}")


@pytest.mark.parametrize(
    "path",
    ["Withdraw", "WithdrawInfo", "WalletTransfer", "AddOrderBatch", "EditOrder", "Earn/Allocate", "addorder"],
)
def test_no_other_method_is_ever_signed(path: str) -> None:
    with pytest.raises(InvariantError, match="no method that Ballast may call"):
        signed(f"/0/private/{path}", "")


@given(st.sampled_from(PRIVATE), st.text(max_size=12))
def test_a_field_is_signed_only_if_its_endpoint_lists_it(endpoint: object, name: str) -> None:
    path, allowed = endpoint.path, endpoint.fields  # type: ignore[attr-defined]
    if name in allowed:
        return
    with pytest.raises(InvariantError):
        check_signable(path, [(name, "1")])


def test_a_secret_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    credentials = Credentials("the-public-key", SECRET)
    assert SECRET not in f"{credentials!r} {credentials}"
    with pytest.raises(TypeError):
        pickle.dumps(credentials)
    with pytest.raises(UsageError) as refused:
        Credentials("the-public-key", SECRET[:-3] + "ä")
    told = "".join(traceback.format_exception(refused.value))
    assert SECRET[:20] not in told
    assert refused.value.__context__ is None


def test_no_log_and_no_error_of_a_call_shows_key_or_signature(
    private: object, kraken: object, caplog: pytest.LogCaptureFixture
) -> None:
    kraken.says("BalanceEx", ["EAPI:Invalid signature"])  # type: ignore[attr-defined]
    with caplog.at_level(logging.DEBUG), pytest.raises(KrakenRefused) as refused:
        private.balances()  # type: ignore[attr-defined]
    told = caplog.text + "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    signature = kraken.requests[0].headers["API-Sign"]  # type: ignore[attr-defined]
    assert "Invalid signature" in told
    assert not [word for word in (SECRET, signature, "the-public-key") if word in told]


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(UsageError, match="key is empty"):
        Credentials("", SECRET)
