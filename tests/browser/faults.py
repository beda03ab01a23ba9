"""A page in the browser -> what is wrong with it: what axe finds, what the policy blocked, what does not fit."""

import os
from collections.abc import Iterator
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SHOTS = os.environ.get("SCREENSHOTS")  # a directory: pictures of what the tests saw
LOOKS = ((1280, "light"), (375, "dark"))  # colours hang on the theme alone, so each theme is read at one width
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => window.violations.push(
  `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
SAY = "node => `${node.html.slice(0, 160)} (${[...node.any, ...node.all, ...node.none][0]?.message})`"
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(found => ["serious", "critical"].includes(found.impact))
  .map(found => `${found.id}: ${found.nodes.slice(0, 3).map(SAY).join(" | ")}`)""".replace("SAY", SAY)
LOADED = "document.readyState === 'complete' && (window.Alpine || !document.querySelector('[x-data]'))"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# what axe does not look for: a thing to click that no key leads to
UNREACHABLE = """() => [...document.querySelectorAll("[x-on\\\\:click], [onclick]")]
  .filter(e => e.getClientRects().length && !e.closest("button, a[href], input, label, summary, [tabindex]"))
  .filter(e => !e.querySelector("button, a[href], input"))
  .map(e => `not reached by the keyboard: ${e.outerHTML.slice(0, 160)}`)"""


def faults(page: Page, name: str) -> Iterator[str]:
    """What is wrong with the page that is open, seen at each width and in each theme; LISTEN came before it."""
    while not page.evaluate(LOADED):  # wait_for_function evaluates a string, which a strict policy forbids
        page.wait_for_timeout(50)
    page.emulate_media(reduced_motion="reduce")  # a colour halfway to another is no colour of the page
    yield from page.evaluate("window.violations")
    page.evaluate(AXE_SCRIPT)
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
        look = f"{width} {theme}"
        if page.evaluate(TOO_WIDE) > 0:
            yield f"{look}: wider than the window"
        yield from (f"{look}: {found}" for found in page.evaluate(RUN_AXE))
        yield from (f"{look}: {found}" for found in page.evaluate(UNREACHABLE))
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{theme}.png", full_page=True)
