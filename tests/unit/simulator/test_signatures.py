"""Signatures are checked for real, nonces rise for ever, and a refusal changes nothing."""

import base64
from pathlib import Path

import pytest

from simulator.auth import Keys, signature
from simulator.protocol import Refusal
from tests.venue import KEY, SECRET, START_NS, call, order, venue

PUBLISHED = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
NONCE = "1616492376594"


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        (
            "/0/private/AddOrder",
            f"nonce={NONCE}&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
        ),
        (
            "/0/private/Balance",
            f"nonce={NONCE}",
            "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/VgpEji3j1XNwI+HCbfXxmrTOg==",
        ),
    ],
)
def test_the_published_vectors_agree(path: str, body: str, wanted: str) -> None:
    assert signature(path, NONCE, body.encode(), PUBLISHED) == wanted


def headers(path: str, nonce: str, body: bytes, secret: str = SECRET, key: str = KEY) -> dict[str, str]:
    return {"api-key": key, "api-sign": signature(path, nonce, body, secret)}


OTHER = base64.b64encode(b"somebody else").decode()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (headers("/0/private/CancelAll", "9", b"nonce=9", key="other"), "EAPI:Invalid key"),
        ({}, "EAPI:Invalid key"),
        (headers("/0/private/CancelAll", "9", b"nonce=9", OTHER), "EAPI:Invalid signature"),
        (headers("/0/private/CancelAll", "9", b"nonce=8"), "EAPI:Invalid signature"),
        (headers("/0/private/Balance", "9", b"nonce=9"), "EAPI:Invalid signature"),
        ({"api-key": KEY, "api-sign": "not base64"}, "EAPI:Invalid signature"),
    ],
)
def test_what_is_not_signed_right_is_refused_and_changes_nothing(given: dict[str, str], error: str) -> None:
    of = venue()
    call(of, "AddOrder", nonce=5, **order(price="7000.0"))
    answer = of.private("CancelAll", "/0/private/CancelAll", given, b"nonce=9")
    assert answer.body.decode() == f'{{"error":["{error}"]}}'
    assert of.keys.nonce == 5
    assert len(of.exchange.open_orders()) == 1


def test_a_nonce_that_does_not_rise_is_refused_and_changes_nothing() -> None:
    of = venue()
    assert call(of, "AddOrder", nonce=10, **order(price="7000.0"))["error"] == []
    for nonce in (10, 9, -1):
        assert call(of, "CancelAll", nonce=nonce)["error"] == ["EAPI:Invalid nonce"]
    assert (of.keys.nonce, len(of.exchange.open_orders())) == (10, 1)
    assert call(of, "CancelAll", nonce=11)["result"] == {"count": 1}


def test_the_same_bytes_twice_make_one_order() -> None:
    of = venue()
    body = b"nonce=77&ordertype=limit&pair=XBTUSD&price=7000&type=buy&volume=0.01"
    signed = headers("/0/private/AddOrder", "77", body)
    answers = [of.private("AddOrder", "/0/private/AddOrder", signed, body).body for _ in range(2)]
    assert b"txid" in answers[0]
    assert answers[1] == b'{"error":["EAPI:Invalid nonce"]}'
    assert len(of.exchange.orders) == 1


def test_a_refused_order_uses_its_nonce_up() -> None:
    of = venue()
    assert call(of, "AddOrder", nonce=20, **order(volume="1000"))["error"] == ["EOrder:Insufficient funds"]
    assert call(of, "Balance", nonce=20)["error"] == ["EAPI:Invalid nonce"]


def test_a_restart_does_not_lower_the_nonce(tmp_path: Path) -> None:
    file = tmp_path / "nonces.json"
    of = venue(keys=Keys(KEY, SECRET, file))
    assert call(of, "Balance", nonce=1_000)["error"] == []
    again = venue(keys=Keys(KEY, SECRET, file))
    assert call(again, "Balance", nonce=1_000)["error"] == ["EAPI:Invalid nonce"]
    assert call(again, "Balance", nonce=1_001)["error"] == []


def test_a_json_body_is_signed_as_it_is_sent() -> None:
    of = venue()
    body = b'{"nonce": "31", "pair": "XBTUSD"}'
    given = headers("/0/private/TradeVolume", "31", body) | {"content-type": "application/json"}
    assert b'"fee":"0.4000"' in of.private("TradeVolume", "/0/private/TradeVolume", given, body).body
    broken = of.private("Balance", "/0/private/Balance", given, b"[1, 2")
    assert broken.body == b'{"error":["EAPI:Bad request"]}'


def test_a_key_may_do_what_it_is_permitted_only() -> None:
    of = venue()
    of.keys.permissions.remove("modify-trades")
    assert call(of, "AddOrder", **order())["error"] == ["EGeneral:Permission denied"]
    assert call(of, "GetApiKeyInfo")["result"]["permissions"] == of.keys.permissions
    assert call(of, "WithdrawFunds")["error"] == ["EGeneral:Unknown method"]


def test_no_nonce_at_all_is_a_refusal() -> None:
    keys = Keys(KEY, SECRET)
    with pytest.raises(Refusal, match="nonce"):
        keys.check("/0/private/Balance", headers("/0/private/Balance", "", b""), b"", {})
    assert START_NS > 0 == keys.nonce
