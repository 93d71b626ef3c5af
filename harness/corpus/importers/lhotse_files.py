"""A folder or file of Lhotse manifests in, which files belong together and their items, as plain data, out.

Lhotse names them `PREFIX_recordings_PART.jsonl.gz`, and so with `supervisions` and `cuts`; prefix and part may be
absent. JSON Lines is read a line at a time, a JSON list an element at a time, YAML as a whole.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.corpus.cells import shown
from harness.corpus.importers.json_arrays import array_objects
from harness.corpus.textfiles import json_objects, text_lines
from harness.errors import TextFileError, UsageError

WITHOUT_RECORDINGS = "without_recordings"  # the part of an export whose recordings nobody could look at
LARGEST_YAML = 50_000_000  # bytes; it is held as a whole, and its reader needs a minute for them
_NAME = re.compile(
    r"(?:(?P<prefix>.+?)[_-])??(?P<kind>recordings|supervisions|cuts)(?:[_-](?P<part>.+?))?\.(?:jsonl|json|ya?ml)(?:\.gz)?"
)

Item = dict[str, object]
Refuse = Callable[[int, str], None]  # takes the line or number of an item that cannot be read, and why


@dataclass(frozen=True, slots=True)
class Part:
    """Is what belongs together.

    Attributes:
        name: Of the part, such as `test`; empty where there is but one.
        utterances: The file of supervisions or cuts.
        recordings: The file of recordings beside supervisions; None where there is none, or cuts have them.
    """

    name: str
    utterances: Path
    recordings: Path | None


@dataclass(frozen=True, slots=True)
class _Named:
    path: Path
    prefix: str
    kind: str
    part: str


def found_parts(source: Path, split: str | None) -> list[Part]:
    """Returns the parts of a corpus that are to be read, all of them or the one that is asked for.

    Raises:
        UsageError: There are no supervisions and no cuts, those of several corpora, or no such part.
    """
    if source.is_file():
        return [_part_of_file(source, split)]
    named = [each for path in sorted(source.glob("*")) if path.is_file() and (each := _named(path))]
    usable = [each for each in named if each.kind == "supervisions"]
    usable += [each for each in named if each.kind == "cuts" and not _has(usable, each)]
    if not usable:
        found = ", ".join(path.name for path in sorted(source.glob("*"))[:10]) or "nothing"
        raise UsageError(
            f"source={source}: expected supervisions.jsonl.gz or cuts.jsonl.gz, named as lhotse names them; found "
            f"{found}. Name a folder or a file that lhotse wrote."
        )
    by_prefix = len({each.prefix for each in usable}) > 1
    if by_prefix and any(each.part for each in usable):
        corpora = ", ".join(sorted({each.prefix for each in usable}))
        raise UsageError(f"source={source}: has manifests of several corpora: {corpora}. Name a file of one of them.")
    parts = [
        Part(each.prefix if by_prefix else each.part, each.path, _recordings_for(each, named))
        for each in sorted(usable, key=lambda each: each.part == WITHOUT_RECORDINGS)
    ]
    return parts if split is None else _chosen(parts, split, source)


def items(path: Path, refuse: Refuse) -> Iterator[tuple[int, Item]]:
    """Yields every item with its line, or its number in YAML.

    Raises:
        UsageError: The suffix is of no manifest.
        TextFileError: The file is cut off or none such; the message names the line.
    """
    name = path.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        return json_objects(path, refuse)
    if name.endswith(".json") and name == path.name:
        return array_objects(path, refuse)
    if name.endswith((".yaml", ".yml")):
        return _yaml_items(path, refuse)
    raise UsageError(
        f"source={path}: is no manifest that is read here; expected .jsonl, .jsonl.gz, .json or .yaml, no tar "
        "and nothing pickled. Write it so with lhotse: lhotse copy OLD NEW.jsonl.gz."
    )


def kind_of(item: Item) -> str:
    """Returns what an item is, by the fields that only its kind has; empty for what is none of them.

    >>> kind_of({"id": "a", "recording_id": "a", "start": 0})
    'supervisions'
    """
    if "sources" in item:
        return "recordings"
    if "type" in item:
        return "cuts"
    return "supervisions" if "recording_id" in item and "start" in item else ""


def _named(path: Path) -> _Named | None:
    match = _NAME.fullmatch(path.name)
    return _Named(path, match["prefix"] or "", match["kind"], match["part"] or "") if match else None


def _has(usable: list[_Named], cuts: _Named) -> bool:
    """Returns whether cuts only repeat supervisions that are there."""
    return any((each.prefix, each.part) == (cuts.prefix, cuts.part) for each in usable)


def _recordings_for(wanted: _Named, named: list[_Named]) -> Path | None:
    if wanted.kind == "cuts" or wanted.part == WITHOUT_RECORDINGS:
        return None
    recordings = [each for each in named if each.kind == "recordings" and each.prefix == wanted.prefix]
    for part in (wanted.part, ""):
        for each in recordings:
            if each.part == part:
                return each.path
    return None


def _chosen(parts: list[Part], split: str, source: Path) -> list[Part]:
    chosen = [part for part in parts if part.name == split]
    if not chosen:
        names = ", ".join(part.name or "one without a name" for part in parts)
        raise UsageError(f"split={split}: no such part in {source}; found {names}.")
    return chosen


def _part_of_file(source: Path, split: str | None) -> Part:
    if split is not None:
        raise UsageError(
            f"split={split}: {source} is one file, which has no parts. Leave split out, or name the folder."
        )
    _, first = next(items(source, lambda *_: None), (0, None))
    kind = kind_of(first) if first is not None else ""
    if kind not in ("supervisions", "cuts"):
        found = f"{kind} alone" if kind else "nothing of the kind"
        raise UsageError(f"source={source}: expected cuts or supervisions; found {found}. Name their file or folder.")
    named = _named(source)
    if kind == "cuts" or named is None:
        return Part("", source, None)
    beside = [each for path in sorted(source.parent.glob("*")) if path.is_file() and (each := _named(path))]
    return Part("", source, _recordings_for(named, beside))


class _PlainLoader(yaml.SafeLoader):
    """Loads plain data without references, of which a few could stand for more than fits in memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = None if parent is None else parent.start_mark
            raise yaml.composer.ComposerError(None, None, "references (*) are not read", mark)
        return super().compose_node(parent, index)


def _yaml_items(path: Path, refuse: Refuse) -> Iterator[tuple[int, Item]]:
    for number, item in enumerate(_yaml_list(path), start=1):
        if isinstance(item, dict) and all(isinstance(key, str) for key in item):
            yield number, item
        else:
            refuse(number, f"holds {shown(item)}; expected the fields of one item.")


def _yaml_list(path: Path) -> list[object]:
    size, texts = 0, []
    for line, text in text_lines(path):
        size += len(text) + 1
        texts.append(text)
        if size > LARGEST_YAML:
            raise TextFileError(
                [f"{path.name}:{line}: is more than {LARGEST_YAML:,} characters. Write it as .jsonl.gz: lhotse copy."]
            )
    try:
        content: object = yaml.load("\n".join(texts), _PlainLoader)
    except yaml.MarkedYAMLError as error:
        at = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise TextFileError([f"{path.name}{at}: is not plain YAML: {error.problem}. Write it anew."]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TextFileError([f"{path.name}: is not plain YAML ({str(error)[:100]}). Write it anew."]) from error
    if not isinstance(content, list):
        raise TextFileError([f"{path.name}: holds {shown(content)}; expected a list of items."])
    return content
