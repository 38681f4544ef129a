"""One developer's login, in a real browser and with a real OpenID Connect library.

Standard input, JSON:
- `chromium`, `chromedriver`, `home` (an empty folder), `proxy`, `ca_file`;
- `user`, and whether they give consent (`consents`);
- `configuration` as dbt has stored it, with its `scope`, and the URL of the provider's document (`discovery`);
- `issuer`, `audience` and `claim` as Identity Center and the warehouse's application have them;
- `userinfo`: whether the access token is for the provider's user info.

Standard output, JSON: what was seen and checked, no token, code or secret.
"""

import json
import sys

from chromium import Chromium
from client import Client, refusal


def walk(browser, client, told):
    start = client.start()
    pages, end = browser.walk(start, told["configuration"]["redirect_uri"], told["user"], told["consents"])
    return start, pages, end


def login(browser, told):
    client = Client(told)
    start, pages, end = walk(browser, client, told)
    seen = {"asked": client.sent(start), "pages": pages, "discovery": client.discovery()}
    seen["back"] = browser.is_at(told["configuration"]["redirect_uri"])
    if not seen["back"]:
        return seen
    # The library reads the redirect: with an error in it, it raises that.
    refused, verifier = {"state": client.tamper_with_state(end)}, client.verifier()
    seen["error"] = refusal(lambda: client.back(end))
    if seen["error"]:
        return seen

    seen["id_token"] = client.id_token()
    seen["access_token"] = client.access_token(client.tokens)
    if told["userinfo"]:
        seen["userinfo"] = client.userinfo()
    fresh = client.refresh()
    seen["refreshed"] = client.access_token(fresh)
    seen["new_access_token"] = fresh["access_token"] != client.tokens["access_token"]
    refused["code_again"] = client.redeem_again(end, verifier)

    _, seen["pages_again"], end = walk(browser, client, told)
    client.tamper_with_verifier()
    refused["verifier"] = refusal(lambda: client.back(end))
    seen["refused"] = refused
    return seen


def main():
    told = json.load(sys.stdin)
    with Chromium(told) as browser:
        seen = login(browser, told)
    json.dump(seen, sys.stdout)


main()
