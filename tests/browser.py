"""A real browser for the page, for the tests and for the screenshots of docs/pictures.py."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Error, expect, sync_playwright

from tests.programs import PATIENCE

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync"]


@contextlib.contextmanager
def chromium(*flags: str, **options) -> Iterator[BrowserContext]:
    """The system's Chromium or Chrome, else the one of `playwright install chromium`; `options` are those of a context.
    Its pages share a cache, so that the scripts of our page are loaded and compiled only once. Whatever is expected has
    PATIENCE seconds to appear. Skips the test without a browser, unless REQUIRE_BROWSER is set."""
    system = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=system, args=[*FLAGS, *flags])
        except Error as error:
            if os.environ.get("REQUIRE_BROWSER"):
                raise
            pytest.skip(f"no browser ({error.message.splitlines()[0]}): python -m playwright install chromium")
        try:
            context = browser.new_context(**options)
            context.set_default_timeout(PATIENCE * 1000)
            expect.set_options(timeout=PATIENCE * 1000)
            yield context
        finally:
            browser.close()
