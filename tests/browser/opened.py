"""A page's file in, the page in a browser without a network out, and what the browser complained of."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

HOSTILE = "<img src=x onerror=alert(1)>"
NEEDED = "HARNESS_BROWSER_TESTS"  # set to `needed` where they must not skip
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def absent(what: str) -> NoReturn:
    """Skip, or fail where the tests are needed, for something is not installed."""
    if os.environ.get(NEEDED) == "needed":
        pytest.fail(f"{what}, and {NEEDED}=needed")
    pytest.skip(what)


def installed() -> str:
    """Return the path of the Chromium that is installed."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    return path or absent("no Chromium is installed (apt-get install chromium)")


def chromium(playwright: Any) -> Any:
    """Start the Chromium that is installed."""
    return playwright.chromium.launch(executable_path=installed(), args=_QUIET)


@dataclass
class Opened:
    """Opens pages; collects everything that a page says on its console, throws, asks for or pops up."""

    browser: Any
    complaints: list[str] = field(default_factory=list)
    requested_elsewhere: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def __call__(
        self, file: Path, *, width: int = 1280, height: int = 900, scheme: str = "light", motion: str = "reduce"
    ) -> Any:
        """Open a file and wait until its charts are drawn."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion=motion, offline=True
        )
        self.contexts.append(context)
        context.set_default_timeout(60_000)
        tab = context.new_page()
        tab.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("dialog", self._popped_up)
        tab.on("request", self._asked_for)
        tab.goto(file.as_uri())
        drawn(tab)
        return tab

    def close(self) -> None:
        """Close what was opened."""
        for context in self.contexts:
            context.close()

    def _popped_up(self, dialog: Any) -> None:
        self.complaints.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _asked_for(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.requested_elsewhere.append(request.url)


def drawn(tab: Any) -> None:
    """Wait until all charts of a page are drawn."""
    tab.wait_for_selector("html:not([data-charts=drawing])", state="attached")


def until(tab: Any, holds: Callable[[], bool]) -> bool:
    """Wait until something holds, which takes a slow machine long; say whether it does."""
    for _ in range(600):
        if holds():
            return True
        tab.wait_for_timeout(100)
    return False


def violations(tab: Any) -> list[str]:
    """Return what axe-core calls serious or critical, each with the first places."""
    if not AXE.exists():
        absent("axe-core is not installed (npm ci --prefix tests/browser)")
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']} ({each['impact']}): {[node['html'][:200] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


TOO_WIDE = """() => {
  const canScroll = (node) => {
    for (let each = node; each && each !== document.body; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.overflowX !== "visible" || style.position === "fixed") return true;
    }
    return false;
  };
  const isOut = (node) => {
    const box = node.getBoundingClientRect();
    return box.width > 0 && box.right > innerWidth + 1 && !canScroll(node);
  };
  const found = [...document.body.querySelectorAll("*")].filter(isOut).map((node) => node.outerHTML.slice(0, 160));
  const wide = document.documentElement.scrollWidth;
  return [...(wide > innerWidth ? [`the page: ${wide} px`] : []), ...found].slice(0, 5);
}"""

EMPTY_CHARTS = """() => {
  const marks = ["symbol path", "rect path", "line path", "area path", "rule line", "text text"];
  const selector = marks.map((mark) => `svg .mark-${mark}`).join(", ");
  return [...document.querySelectorAll("figure.chart .drawing")]
    .filter((drawing) => !drawing.querySelector(selector))
    .map((drawing) => drawing.closest("figure").outerHTML.slice(0, 200));
}"""

DANGLING = """() => [...document.querySelectorAll("a[href^='#']")].map((link) => link.hash.slice(1))
  .filter((name) => !document.getElementById(decodeURIComponent(name)))"""

COLUMN = """(table, column) => [...table.tBodies[0].rows].map((row) => {
  const cell = row.cells[column];
  const told = cell.dataset.sort ?? cell.textContent.trim();
  return cell.classList.contains("n") && told !== "" ? Number(told.replaceAll(",", "")) : told;
})"""


def sorted_by_its_header(table: Any, column: int) -> tuple[list[Any], list[Any]]:
    """Press a column's header twice, with the keyboard the second time; return the column after each."""
    button = table.locator("thead th").nth(column).locator("button")
    button.click()
    first = table.evaluate(f"(table) => ({COLUMN})(table, {column})")
    button.press("Enter")
    return first, table.evaluate(f"(table) => ({COLUMN})(table, {column})")


def in_order(values: list[Any]) -> bool:
    """Say whether numbers ascend or descend; what is empty stands at the end."""
    told = [value for value in values if value != ""]
    return values[: len(told)] == told and told in (sorted(told), sorted(told, reverse=True))
