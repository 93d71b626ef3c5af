"""A sentence and a console in, the sentence on it out; the facts of a run in, the lines on how it was made out."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from harness.report.wording import mapping


def say(console: Console, sentence: str, style: str = "") -> None:
    """Print a sentence that the terminal, not this program, breaks: paths stay whole when copied."""
    console.print(Text(sentence, style=style), soft_wrap=True)


def made_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return when, where and by which harness a run was made: names and texts, not escaped."""
    harness = f"{mapping(facts['versions'])['asr-fairness-harness']}, commit {facts['commit'] or 'unknown'}"
    return [
        ("made", f"{facts['finished']} on {facts['platform']}, Python {facts['python']}"),
        ("harness", f"{harness}, seed {facts['seed']}"),
    ]
