"""A command's words in, its pipeline's name out, and back: some pipelines are said in two words."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

FAMILIES = ("bounty",)  # `harness bounty open` is bounty_open
_ALIKE = 0.75  # of the letters: a slip or two; with 0.6, difflib's own, `import` is like `report`


def in_one_word(arguments: Sequence[str]) -> list[str]:
    """Return a command whose pipeline is one word: `bounty open …` is `bounty_open …`."""
    if len(arguments) < 2 or arguments[0] not in FAMILIES or not arguments[1].isidentifier():
        return list(arguments)
    return [f"{arguments[0]}_{arguments[1]}", *arguments[2:]]


def as_said(pipeline: str) -> str:
    """Return a pipeline as people say it: bounty_open is `bounty open`."""
    family, _, rest = pipeline.partition("_")
    return f"{family} {rest}" if family in FAMILIES and rest else pipeline


def meant(word: str, pipelines: Collection[str]) -> str | None:
    """Return the pipeline that somebody meant: that with their word as a part or a beginning, or a misspelt one.

    Those of a family are told apart by what follows its name. None: none is near.

    >>> meant("import", ["report", "import_corpus"]), meant("reprot", ["report"]), meant("repeat", ["report"])
    ('import_corpus', 'report', None)
    """
    family = next((f"{each}_" for each in FAMILIES if word.startswith(f"{each}_")), "")
    names = {name.removeprefix(family): name for name in pipelines if name.startswith(family)}
    rest = word.removeprefix(family)
    having = [name for name in names if rest in name.split("_") or name.startswith(rest)]
    near = having if len(having) == 1 else get_close_matches(rest, names, n=1, cutoff=_ALIKE)
    return names[near[0]] if near else None
