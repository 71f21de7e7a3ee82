"""A real browser for the page: the tests look at it and click in it, docs/pictures.py takes its pictures."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The system's Chromium or Chrome, else the one of `playwright install chromium`. Skips the test without one,
    unless REQUIRE_BROWSER is set."""
    system = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=system, args=[*FLAGS, *flags])
        except Error as error:
            if os.environ.get("REQUIRE_BROWSER"):
                raise
            pytest.skip(f"no browser ({error.message.splitlines()[0]}): python -m playwright install chromium")
        try:
            yield browser
        finally:
            browser.close()
