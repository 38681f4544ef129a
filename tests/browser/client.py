"""The client of the identity provider: a web application with Authlib, as dbt is one.

Authlib does what a login is made of: discovery, state, nonce and PKCE, the exchange of the code, the ID token's
signature and claims. This module asks it, and tries what it and the provider must refuse.
"""

import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

# Seconds for an answer of the provider.
TIMEOUT = 30
# Seconds that the two clocks may differ.
LEEWAY = 5
# Below an issuer (OpenID Connect Discovery 1.0, section 4).
WELL_KNOWN = "/.well-known/openid-configuration"
# Claims of the library's ID token that say whose and for whom it is; none is a secret.
SHOWN = ("iss", "aud", "sub")


def refusal(attempt):
    """How the library says that it refuses: its own name for it."""
    try:
        attempt()
    except AuthlibBaseError as error:
        return {"error": error.error or type(error).__name__, "description": error.description or ""}
    except JoseError as error:
        return {"error": error.error, "description": error.description or ""}
    return None


class Client:
    """What dbt has stored, in use."""

    def __init__(self, told):
        stored = told["configuration"]
        self.told, self.stored = told, stored
        self.application = Flask("dbt")
        self.application.secret_key = secrets.token_hex(32)
        # A refusal comes out as the library raised it.
        self.application.config["PROPAGATE_EXCEPTIONS"] = True
        clients = OAuth(self.application)
        self.idp = clients.register(
            "idp",
            client_id=stored["client_id"],
            client_secret=stored["client_secret"],
            authorize_url=stored["authorize_url"],
            access_token_url=stored["token_url"],
            server_metadata_url=told["discovery"],
            client_kwargs={
                "scope": stored["scope"],
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "client_secret_basic",
                "default_timeout": TIMEOUT,
            },
        )
        # Identity Center reads keys where the issuer that it trusts says: for Entra that is not where people sign in.
        self.trusted = clients.register(
            "trusted",
            server_metadata_url=told["issuer"].removesuffix("/") + WELL_KNOWN,
            client_kwargs={"default_timeout": TIMEOUT},
        )
        redirect = urlsplit(stored["redirect_uri"])
        self.origin = f"{redirect.scheme}://{redirect.netloc}"
        self.tokens = None
        self.application.add_url_rule("/connect", "connect", self.connect)
        self.application.add_url_rule(redirect.path, "complete", self.complete)
        self.user_agent = self.application.test_client()

    @property
    def expected(self):
        """Issuer and audience of an ID token. The library's own choice is the issuer alone; both are to be checked by
        OpenID Connect Core 3.1.3.7."""
        return {
            "iss": {"essential": True, "value": self.idp.load_server_metadata()["issuer"]},
            "aud": {"essential": True, "value": self.stored["client_id"]},
        }

    def connect(self):
        return self.idp.authorize_redirect(self.stored["redirect_uri"])

    def complete(self):
        self.tokens = self.idp.authorize_access_token(claims_options=self.expected, leeway=LEEWAY)
        return "connected"

    def start(self):
        """Where the browser is sent."""
        return self.user_agent.get("/connect", base_url=self.origin).location

    def back(self, url):
        """The browser is back at the redirect URI."""
        parts = urlsplit(url)
        self.user_agent.get(parts.path, query_string=parts.query, base_url=self.origin)

    def discovery(self):
        """What the library read where people sign in, and at the issuer that Identity Center trusts."""
        read = self.idp.load_server_metadata()
        names = ("issuer", "authorization_endpoint", "token_endpoint")
        trusted = self.trusted.load_server_metadata()["issuer"]
        return {**{name: read.get(name) for name in names}, "trusted_issuer": trusted}

    def sent(self, url):
        """The parameters of an authorization request by name; those that are random only as being there."""
        query = dict(parse_qsl(urlsplit(url).query))
        for name in ("state", "nonce", "code_challenge"):
            query[name] = bool(query.get(name))
        return query

    def id_token(self):
        """The ID token's claims. The library has checked them on the way; here it refuses what is not right."""
        nonce = self.tokens["userinfo"]["nonce"]
        stranger = {**self.expected, "iss": {"essential": True, "value": self.expected["iss"]["value"] + "/"}}
        other = {**self.expected, "aud": {"essential": True, "value": secrets.token_hex(10)}}
        checks = {
            "nonce": lambda: self.parse(self.tokens, secrets.token_hex(10)),
            "issuer": lambda: self.parse(self.tokens, nonce, stranger),
            "audience": lambda: self.parse(self.tokens, nonce, other),
            # Two hours from now, in the library's own terms.
            "expiry": lambda: self.parse(self.tokens, nonce, leeway=-7200),
            "signature": lambda: self.parse({**self.tokens, "id_token": forged(self.tokens["id_token"])}, nonce),
        }
        claims = self.parse(self.tokens, nonce)
        refused = {name: refusal(run) for name, run in checks.items()}
        return {**{name: claims[name] for name in SHOWN}, "refused": refused}

    def parse(self, tokens, nonce, expected=None, leeway=LEEWAY):
        return self.idp.parse_id_token(tokens, nonce, claims_options=expected or self.expected, leeway=leeway)

    def access_token(self, tokens):
        """The access token's claims that Identity Center looks at, once its signature holds."""
        keys = KeySet.import_key_set(self.trusted.fetch_jwk_set())
        claims = jwt.decode(tokens["access_token"], keys, algorithms=["RS256"]).claims
        expected = {
            "iss": {"essential": True, "value": self.told["issuer"]},
            "aud": {"essential": True, "value": self.told["audience"]},
            self.told["claim"]: {"essential": True},
            "exp": {"essential": True},
        }
        jwt.JWTClaimsRegistry(leeway=LEEWAY, **expected).validate(claims)
        return {name: claims[name] for name in ("iss", "aud", self.told["claim"])}

    def refresh(self):
        """New tokens for the refresh token."""
        with self.session() as session:
            return session.refresh_token(self.stored["token_url"], refresh_token=self.tokens["refresh_token"])

    def redeem_again(self, url, verifier):
        """What the provider says to a code that has been used, asked with all else that belongs to it."""
        with self.session() as session:
            return refusal(
                lambda: session.fetch_token(
                    self.stored["token_url"],
                    authorization_response=url,
                    redirect_uri=self.stored["redirect_uri"],
                    code_verifier=verifier,
                )
            )

    def session(self):
        return OAuth2Session(self.stored["client_id"], self.stored["client_secret"], default_timeout=TIMEOUT)

    def userinfo(self):
        """The subject that the provider's user info names."""
        with self.application.test_request_context(base_url=self.origin):
            return self.idp.userinfo(token=self.tokens)["sub"]

    def tamper_with_state(self, url):
        """The browser comes back with a state that the application did not send."""
        parts = urlsplit(url)
        query = {**dict(parse_qsl(parts.query)), "state": secrets.token_urlsafe(20)}
        return refusal(lambda: self.back(urlunsplit(parts._replace(query=urlencode(query)))))

    def verifier(self):
        """The code verifier of the login that is under way."""
        with self.user_agent.session_transaction(base_url=self.origin) as session:
            return under_way(session)["code_verifier"]

    def tamper_with_verifier(self):
        """The application forgets the code verifier of the login that is under way, and has another one."""
        with self.user_agent.session_transaction(base_url=self.origin) as session:
            under_way(session)["code_verifier"] = secrets.token_urlsafe(48)
            session.modified = True


def under_way(session):
    """What the library keeps of the one login that is under way."""
    [login] = [session[name]["data"] for name in session if name.startswith("_state_")]
    return login


def forged(token):
    """The same token with one bit of its signature turned."""
    head, claims, signature = token.split(".")
    # The first character: the last one holds bits that mean nothing.
    return ".".join([head, claims, ("B" if signature[0] == "A" else "A") + signature[1:]])
