"""A real browser on the embedded stack. Without Chromium these tests are skipped, and say so."""

import os
import shutil

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
GIVE_UP_MS = 300_000
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium: install Debian's `chromium`, or name one in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(autouse=True)
def _skip_without_chromium(browser):
    """Before a stack is started for nothing."""


@pytest.fixture
def tab(browser):
    """Open a page of a browser of its own, with what it complained of and what it asked for."""
    contexts = []

    def open_tab(**given):
        context = browser.new_context(**given)
        context.set_default_timeout(GIVE_UP_MS)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.asked = [], []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda said: page.complaints.append(said.text))
        page.on("request", lambda request: page.asked.append(request.url))
        return page

    yield open_tab
    for context in contexts:
        context.close()
