"""A headless Chromium that signs a person in, driven by Selenium and Debian's chromedriver."""

import os
import shutil
import subprocess
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

# Seconds for a page to load.
LIMIT = 60
# A sign-in has two forms at most (account, consent); the third page that asks for something is one too many.
FORMS = 3

ARGUMENTS = [
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    # Everything goes through the proxy, and nothing is looked up.
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def trust(home, ca_file):
    """Lets a Chromium with this home believe an authority: as a user does who imports a certificate."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    certutil = [shutil.which("certutil"), "-d", f"sql:{database}"]
    subprocess.run([*certutil, "-N", "--empty-password"], check=True)
    subprocess.run([*certutil, "-A", "-n", "sandbox", "-t", "C,,", "-i", ca_file], check=True)


class Chromium:
    """A browser with a profile of its own, closed with its `with` block."""

    def __init__(self, told):
        home = Path(told["home"])
        trust(home, told["ca_file"])
        options = Options()
        options.binary_location = told["chromium"]
        arguments = [*ARGUMENTS, f"--proxy-server={told['proxy']}", f"--user-data-dir={home / 'profile'}"]
        if os.geteuid() == 0:
            # Chromium refuses to run as root inside a sandbox of its own.
            arguments.append("--no-sandbox")
        for argument in arguments:
            options.add_argument(argument)
        service = Service(executable_path=told["chromedriver"], env={**os.environ, "HOME": str(home)})
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(LIMIT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def walk(self, start, redirect_uri, user, consents):
        """Signs `user` in from `start`, on the pages that come, and returns them and the last URL.

        The walk ends at the redirect URI, at a page that asks for nothing, at a sign-in that is refused, and at a page
        for consent that the person does not give.
        """
        pages = []
        self.driver.get(start)
        for _ in range(FORMS):
            if self.is_at(redirect_uri):
                break
            page = self.page()
            pages.append(page)
            if page["kind"] == "sign_in" and "alert" not in page:
                account = self.driver.find_element(By.CSS_SELECTOR, "form input[autocomplete=username]")
                account.clear()
                account.send_keys(user)
                self.click("form button[type=submit]")
            elif page["kind"] == "consent" and consents:
                self.click("form input[name=consent]")
            else:
                break
        return pages, self.driver.current_url

    def is_at(self, redirect_uri):
        return self.driver.current_url.partition("?")[0] == redirect_uri

    def page(self):
        """What a person sees: the kind of page, its heading, and what it says."""
        page = {"host": self.driver.execute_script("return location.host"), "title": self.driver.title}
        if self.has("form input[name=consent]"):
            page["kind"] = "consent"
            page["asks"] = [entry.text for entry in self.driver.find_elements(By.CSS_SELECTOR, "ul li")]
        elif self.has("form input[autocomplete=username]"):
            page["kind"] = "sign_in"
        else:
            page["kind"] = "message"
        if self.has("[role=alert]"):
            page["alert"] = self.driver.find_element(By.CSS_SELECTOR, "[role=alert]").text
        page["text"] = self.driver.find_element(By.TAG_NAME, "body").text
        return page

    def has(self, selector):
        try:
            return self.driver.find_element(By.CSS_SELECTOR, selector).is_displayed()
        except NoSuchElementException:
            return False

    def click(self, selector):
        """Clicks what leads to another page, and waits for that page."""
        here = self.driver.find_element(By.TAG_NAME, "html")
        self.driver.find_element(By.CSS_SELECTOR, selector).click()
        WebDriverWait(self.driver, LIMIT).until(staleness_of(here))
