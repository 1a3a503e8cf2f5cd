"""Signing in at an identity provider: OpenID Connect, authorization code with PKCE.

The state, nonce and verifier of one attempt travel in a signed, short-lived cookie, so that nothing is kept
here and any process can finish what another began. Keys and addresses come from the provider's discovery
document; an unknown key id is looked up once more.
"""

import base64
import hashlib
import secrets
import time
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from api.problems import Refused

ATTEMPT_S = 600
TIMEOUT_S = 10.0
SKEW_S = 60
ALGORITHMS = ["RS256", "ES256", "EdDSA"]


class Provider(NamedTuple):
    """What the installation knows about its identity provider."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str


class Begun(NamedTuple):
    """Where to send the browser, and what to put in its cookie."""

    url: str
    cookie: str


class Oidc:
    """One identity provider."""

    def __init__(self, provider: Provider, http: httpx.Client) -> None:
        self._provider = provider
        self._http = http
        self._seal = OctKey.import_key(secrets.token_bytes(32))
        self._lock = Lock()
        self._document: dict[str, Any] = {}
        self._keys = KeySet([])

    def begin(self) -> Begun:
        """Start an attempt."""
        verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": self._provider.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        claims = {"verifier": verifier, "state": state, "nonce": nonce, "exp": int(time.time()) + ATTEMPT_S}
        cookie = jwt.encode({"alg": "HS256"}, claims, self._seal)
        return Begun(f"{self._discovered()['authorization_endpoint']}?{urlencode(query)}", cookie)

    def finish(self, code: str, state: str, cookie: str) -> str:
        """Issuer and subject of whoever came back, joined by a space; `Refused` for anything out of order."""
        try:
            attempt = jwt.decode(cookie, self._seal, algorithms=["HS256"]).claims
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(attempt)
        except (JoseError, ValueError) as error:
            raise Refused(403, "sign-in expired", "start again from the sign-in page") from error
        if not secrets.compare_digest(state.encode(), attempt["state"].encode()):
            raise Refused(403, "sign-in failed", "the answer belongs to another attempt; start again")
        claims = self.claims(self._exchange(code, attempt["verifier"]))
        if claims.get("nonce") != attempt["nonce"]:
            raise Refused(403, "sign-in failed", "the answer belongs to another attempt; start again")
        return f"{claims['iss']} {claims['sub']}"

    def _exchange(self, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._provider.redirect_uri,
            "code_verifier": verifier,
        }
        auth = (self._provider.client_id, self._provider.client_secret)
        reply = self._ask("POST", self._discovered()["token_endpoint"], data=form, auth=auth)
        return str(reply.get("id_token", ""))

    def claims(self, token: str) -> dict[str, Any]:
        """What an identity token says, if signature, issuer, audience and times hold; else `Refused`."""
        wanted = jwt.JWTClaimsRegistry(
            leeway=SKEW_S,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": self._provider.client_id},
            sub={"essential": True},
            exp={"essential": True},
        )
        for again in (False, True):
            try:
                claims = jwt.decode(token, self._known_keys(again=again), algorithms=ALGORITHMS).claims
                wanted.validate(claims)
            except (JoseError, ValueError) as error:
                if again:
                    raise Refused(403, "sign-in failed", "the identity token does not hold") from error
            else:
                return dict(claims)
        raise AssertionError("unreachable")

    def _discovered(self) -> dict[str, Any]:
        with self._lock:
            if not self._document:
                url = f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration"
                document = self._ask("GET", url)
                if document.get("issuer") != self._provider.issuer:
                    raise Refused(502, "identity provider", "its discovery document names another issuer")
                self._document = document
            return self._document

    def _known_keys(self, *, again: bool) -> KeySet:
        uri = self._discovered()["jwks_uri"]
        with self._lock:
            if again or not self._keys.keys:
                self._keys = KeySet.import_key_set(self._ask("GET", uri))  # type: ignore[arg-type]
            return self._keys

    def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        try:
            reply = self._http.request(method, url, timeout=TIMEOUT_S, **options)
            reply.raise_for_status()
            answer = reply.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Refused(502, "identity provider", "it does not answer as it should; try later") from error
        if not isinstance(answer, dict):
            raise Refused(502, "identity provider", "it does not answer as it should; try later")
        return answer
