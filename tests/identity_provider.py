"""A small OpenID provider over HTTP: discovery, keys, codes that work once, PKCE, signed identity tokens.

Tests make it misbehave by changing what the next token says.
"""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "ballast", "a secret of the client"


class IdentityProvider:
    """One provider on a free port; `claims` overrides what the next identity token says."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.claims: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self.rotate()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def rotate(self) -> None:
        """Sign with another key from now on, and forget the old one."""
        self._key = RSAKey.generate_key(2048, {"kid": str(time.monotonic_ns())})

    def authorize(self, url: str, subject: str) -> dict[str, str]:
        """What a person's browser brings back after they agreed."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = {**asked, "sub": subject}
        return {"code": code, "state": asked["state"]}

    def signed(self, **claims: Any) -> str:
        """An identity token that says this."""
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, {"iss": self.issuer} | claims, self._key)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (
            asked is None
            or authorization != f"Basic {expected}"
            or asked["code_challenge"] != challenge.rstrip(b"=").decode()
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return {"error": "invalid_grant"}
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": asked["sub"],
            "nonce": asked["nonce"],
            "exp": int(time.time()) + 300,
        }
        header = {"alg": "RS256", "kid": self._key.kid}
        return {"id_token": jwt.encode(header, claims | self.claims, self._key)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/keys":
                    self._answer(KeySet([provider._key]).as_dict(private=False))
                else:
                    issuer = provider.issuer
                    paths = {
                        "authorization_endpoint": "/authorize",
                        "token_endpoint": "/token",
                        "jwks_uri": "/keys",
                    }
                    document = {name: issuer + path for name, path in paths.items()}
                    self._answer({"issuer": issuer, **document})

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(sent).items()}
                self._answer(provider._token(form, self.headers.get("Authorization", "")))

            def _answer(self, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(400 if "error" in document else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                pass

        return Handler
