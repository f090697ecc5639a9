"""Debian's Chromium, driven by Playwright."""

import contextlib
import shutil
import sys

from playwright.sync_api import sync_playwright

# Without a sandbox of its own: in a container there is none to be had. Nobody clicks, so videos may begin by themselves.
FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]


@contextlib.contextmanager
def pages(count):
    """Pages that are in front, each: every one has a browser of its own."""
    path = shutil.which("chromium")
    if path is None:
        sys.exit("there is no `chromium`\nhint: apt-get install chromium")
    with sync_playwright() as playwright:
        browsers = [playwright.chromium.launch(executable_path=path, args=FLAGS) for _ in range(count)]
        # What the measure adds to a page is not meant by the page's content policy.
        yield [browser.new_context(bypass_csp=True).new_page() for browser in browsers]
        for browser in browsers:
            browser.close()
