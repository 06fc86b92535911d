"""A real OpenID provider (oidc-provider-mock) on a port of its own that checks PKCE, and lies when told to.

PUT /lie takes JSON: `claims` changes those of the ID token (null takes one away), `alg` signs it another way,
`description` changes what the provider says of itself, `down` makes every answer a 503, `userinfo` changes that.
"""

import base64
import hashlib
import io
import json
import os
import sys
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import oidc_provider_mock
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey
from oidc_provider_mock import User
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

SECRET = sys.argv[1]
"""What the client and the provider both know."""


class Provider:
    """The provider with its own key in front of it."""

    def __init__(self) -> None:
        people = [
            User(sub="jiwoo-1", claims={"name": "Jiwoo Park", "email": "jiwoo@example.org", "email_verified": True}),
            User(sub="minjun-2", claims={"name": "Minjun Lee", "email": "minjun@example.org", "email_verified": False}),
        ]
        self.inner = oidc_provider_mock.app(user_claims=people, require_nonce=True)
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.lie: dict[str, Any] = {}
        self.challenges: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        path = environ["PATH_INFO"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if path == "/lie":
            self.lie = json.loads(body)
            if "new_key" in self.lie:
                self.key = RSAKey.generate_key(2048, {"kid": str(self.lie["new_key"])})
            return self.answer(start_response, 200, {})
        if self.lie.get("down"):
            return self.answer(start_response, 503, {})
        if path == "/oauth2/authorize":
            self.challenges += parse_qs(environ["QUERY_STRING"]).get("code_challenge", [])
        if path == "/oauth2/token" and not self.proves_the_challenge(body):
            return self.answer(start_response, 400, {"error": "invalid_grant"})
        if path == "/jwks":
            return self.answer(start_response, 200, {"keys": [self.key.as_dict(private=False)]})
        parts, status, headers = run_wsgi_app(self.inner, environ, buffered=True)
        answer = b"".join(parts)
        if int(status.split()[0]) < 300 and path in CHANGED:
            return self.answer(start_response, 200, CHANGED[path](self, json.loads(answer)))
        start_response(status, list(headers))
        return [answer]

    def answer(self, start_response: StartResponse, status: int, content: object) -> list[bytes]:
        start_response(f"{status} OK", [("Content-Type", "application/json")])
        return [json.dumps(content).encode()]

    def proves_the_challenge(self, body: bytes) -> bool:
        verifier = parse_qs(body.decode()).get("code_verifier", [""])[0]
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return digest in self.challenges

    def description(self, found: dict[str, Any]) -> dict[str, Any]:
        return found | self.lie.get("description", {})

    def userinfo(self, found: dict[str, Any]) -> dict[str, Any]:
        return found | self.lie.get("userinfo", {})

    def token(self, found: dict[str, Any]) -> dict[str, Any]:
        claims = json.loads(jws.extract_compact(found["id_token"].encode()).payload)
        claims = {name: value for name, value in (claims | self.lie.get("claims", {})).items() if value is not None}
        claims.pop("at_hash", None)
        alg = self.lie.get("alg", "RS256")
        if alg == "none":
            head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
            payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
            return found | {"id_token": f"{head}.{payload}."}
        key: Any = OctKey.import_key(SECRET) if alg == "HS256" else self.key
        if alg == "other key":
            alg, key = "RS256", RSAKey.generate_key(2048, {"kid": str(self.key.kid)})
        return found | {"id_token": jwt.encode({"alg": alg, "kid": self.key.kid}, claims, key, algorithms=[alg])}


CHANGED = {
    "/.well-known/openid-configuration": Provider.description,
    "/oauth2/token": Provider.token,
    "/userinfo": Provider.userinfo,
}

if __name__ == "__main__":
    server = make_server("localhost", 0, Provider(), threaded=True)
    print(server.server_port, flush=True)  # noqa: T201 - how the test learns it
    server.serve_forever()
