"""A command's words in, its pipeline's name out, and back: some pipelines are said in two words."""

from collections.abc import Sequence

FAMILIES = ("bounty",)  # `harness bounty open` is bounty_open


def in_one_word(arguments: Sequence[str]) -> list[str]:
    """Return a command whose pipeline is one word: `bounty open …` is `bounty_open …`."""
    if len(arguments) < 2 or arguments[0] not in FAMILIES or not arguments[1].isidentifier():
        return list(arguments)
    return [f"{arguments[0]}_{arguments[1]}", *arguments[2:]]


def as_said(pipeline: str) -> str:
    """Return a pipeline as people say it: bounty_open is `bounty open`."""
    family, _, rest = pipeline.partition("_")
    return f"{family} {rest}" if family in FAMILIES and rest else pipeline
