"""Logs developers in for real, with libraries that know nothing of the sandbox, and says where it ends.

A browser and dbt are played as they are: authorize, sign-in form, code, token (client id and secret in the header),
refresh (Authlib's OAuth2Session over requests), then Redshift's own driver with the refreshed access token.

Standard input, a JSON object a line:
    {"configuration": {"type", "authorize_url", "token_url", "client_id", "client_secret", "redirect_uri", "scope"},
     "warehouse": {"host", "port", "database"}, "users": ["dev1@example.com", …]}
Standard output, a line for each: {user: {"ok": bool, "step": where it ended, "error": what was said there}}.

Environment: HTTPS_PROXY and REQUESTS_CA_BUNDLE lead to the sandbox, SSL_CERT_FILE lets the driver trust its warehouse,
SANDBOX_RESOLVE (name:port=address:port, comma-separated) is all that there is of DNS.
"""

import json
import os
import socket
import sys
import urllib.parse
from html.parser import HTMLParser

import redshift_connector
import requests
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter

# Redirects and pages on the way to the code: enough for a provider that asks for the name and then for something else.
MAX_STEPS = 10
# Seconds for one answer: nothing here is farther away than this machine.
PATIENCE = 20
# What the sign-in forms call the field for the person's name.
NAMES = ("username", "login", "identifier")


def resolver():
    """Host names lead to where SANDBOX_RESOLVE says, or nowhere."""
    targets = {}
    for entry in filter(None, os.environ.get("SANDBOX_RESOLVE", "").split(",")):
        name, target = entry.split("=", 1)
        (host, port), (address, actual) = name.rsplit(":", 1), target.rsplit(":", 1)
        targets[host, int(port)] = (address, int(actual))
    getaddrinfo = socket.getaddrinfo

    def resolve(host, port, *args, **kwargs):
        if host in ("127.0.0.1", "localhost"):
            return getaddrinfo(host, port, *args, **kwargs)
        target = targets.get((host, int(port)))
        if target is None:
            raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} does not resolve")
        return getaddrinfo(*target, *args, **kwargs)

    return resolve


class Broken(Exception):
    """Where a login ended, and what was said there."""

    def __init__(self, step, error):
        super().__init__(error)
        self.step = step
        self.error = str(error)[:400]


class Form(HTMLParser):
    """The first form of a page, its fields, and the page's words."""

    def __init__(self, page):
        super().__init__()
        self.action = None
        self.fields = {}
        self.words = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self._inside = attributes.get("action") or "", True
        elif tag == "input" and self._inside and "name" in attributes:
            self.fields[attributes["name"]] = attributes.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = False

    def handle_data(self, data):
        if data.strip():
            self.words.append(data.strip())


class Login:
    """One developer in front of one dbt environment."""

    def __init__(self, wanted, user, adapter):
        self.configuration = wanted["configuration"]
        self.warehouse = wanted["warehouse"]
        self.user = user
        # A cookie jar of its own, connections that are shared.
        self.session = OAuth2Session(
            self.configuration["client_id"],
            self.configuration["client_secret"],
            scope=self.configuration["scope"],
            redirect_uri=self.configuration["redirect_uri"],
            token_endpoint_auth_method="client_secret_basic",
        )
        self.session.mount("https://", adapter)

    def run(self):
        code_url, state = self.authorize()
        token = self.tokens("token", lambda url: self.session.fetch_token(
            url, authorization_response=code_url, state=state, timeout=PATIENCE))
        refresh_token = token.get("refresh_token")
        if not refresh_token:
            raise Broken("token", "the login brought no refresh token")
        scope = " ".join(word for word in (token.get("scope") or "").split() if word != "openid")
        fresh = self.tokens("refresh", lambda url: self.session.refresh_token(
            url, refresh_token=refresh_token, timeout=PATIENCE, **({"scope": scope} if scope else {})))
        self.connect(fresh["access_token"])

    def authorize(self):
        """From the authorize URL to the redirect URI, which is never called."""
        endpoint = self.configuration["authorize_url"]
        home = urllib.parse.urlsplit(endpoint).hostname
        try:
            url, state = self.session.create_authorization_url(endpoint)
        except ValueError as error:
            raise Broken("authorize", error) from error
        method, data, signed_in = "GET", None, False
        for _ in range(MAX_STEPS):
            step = "sign_in" if signed_in else "authorize"
            answer = self.ask(step, method, url, data)
            if answer.is_redirect:
                url, method, data = urllib.parse.urljoin(url, answer.headers["location"]), "GET", None
                if self.is_redirect_uri(url):
                    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
                    if "error" in query:
                        raise Broken("authorize", f"{query['error']}: {query.get('error_description', '')}")
                    return url, state
                if urllib.parse.urlsplit(url).hostname != home:
                    raise Broken(step, f"a redirect to {urllib.parse.urlsplit(url).hostname}, not the provider's")
                continue
            form = Form(answer.text)
            if answer.status_code != 200 or form.action is None:
                raise Broken(step, f"{answer.status_code}: {' '.join(form.words)}")
            if signed_in:
                # Consent, or once more the form: neither is what a set-up integration shows.
                raise Broken("consent" if "consent" in form.fields else "sign_in", " ".join(form.words))
            url, method, signed_in = urllib.parse.urljoin(url, form.action), "POST", True
            data = {name: self.user if name in NAMES else value for name, value in form.fields.items()}
        raise Broken("authorize", "too many redirects")

    def ask(self, step, method, url, data):
        try:
            return self.session.request(
                method, url, data=data, withhold_token=True, allow_redirects=False, timeout=PATIENCE)
        except (requests.RequestException, ValueError) as error:
            raise Broken(step, error) from error

    def is_redirect_uri(self, url):
        of = lambda text: urllib.parse.urlsplit(text)[:3]
        return of(url) == of(self.configuration["redirect_uri"])

    def tokens(self, step, call):
        try:
            token = call(self.configuration["token_url"])
        # An endpoint that is none answers with anything: Authlib's own errors are exceptions of many kinds.
        except Exception as error:
            raise Broken(step, f"{type(error).__name__}: {error}") from error
        if not token.get("access_token"):
            raise Broken(step, "no access token")
        return token

    def connect(self, token):
        try:
            connection = redshift_connector.connect(
                credentials_provider="IdpTokenAuthPlugin",
                token=token,
                token_type="EXT_JWT",
                host=self.warehouse["host"],
                port=self.warehouse["port"],
                database=self.warehouse["database"],
                ssl=True,
                sslmode="verify-full",
                timeout=PATIENCE,
            )
        except (redshift_connector.Error, OSError) as error:
            fields = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
            raise Broken("warehouse", fields.get("M") or error) from error
        try:
            cursor = connection.cursor()
            cursor.execute("select current_user")
            who = cursor.fetchall()[0][0]
        except (redshift_connector.Error, OSError) as error:
            raise Broken("query", error) from error
        finally:
            connection.close()
        if who.split(":", 1)[-1] != self.user:
            raise Broken("query", f"the warehouse takes {self.user} for {who}")


def main():
    socket.getaddrinfo = resolver()
    adapter = HTTPAdapter(pool_connections=8, pool_maxsize=8)
    for line in sys.stdin:
        wanted = json.loads(line)
        answer = {}
        for user in wanted["users"]:
            try:
                Login(wanted, user, adapter).run()
                answer[user] = {"ok": True, "step": "done", "error": ""}
            except Broken as broken:
                answer[user] = {"ok": False, "step": broken.step, "error": broken.error}
        print(json.dumps(answer), flush=True)


main()
