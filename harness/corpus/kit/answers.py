"""What was answered and chosen for a kit in, `kit.yaml` out, and back: the same question is not asked twice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeVar

import yaml

from harness.corpus.kit.names import MEANINGS
from harness.corpus.kit.options import BadRows, EmptyText, KitOptions
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError

KIT_FILE = "kit.yaml"
_HEAD = """\
# What was answered and chosen when this kit was made. The same command reads it and asks for none of it again; what is
# said in the command counts more, and an answer that is removed here is found or asked anew.
"""
_TEXTS = ("spreadsheet", "sheet", "language")
Choice = TypeVar("Choice", bound=Enum)


@dataclass(frozen=True, slots=True)
class Answers:
    """Holds what is known before a spreadsheet is looked at.

    Attributes:
        options: What is said now, and where nothing is, what was answered before.
        columns: Headers by what they meant when the kit was last made; those that are gone count no more.
        notes: That answers of before are used.
    """

    options: KitOptions
    columns: Mapping[str, str]
    notes: tuple[str, ...]


def remembered(options: KitOptions, folder: Path, out: Path | None) -> Answers:
    """Return the answers of now and of before; a spreadsheet that is no longer there is asked for anew.

    Raises:
        ManifestError: `kit.yaml` is there and says something unusable; every problem is listed.
    """
    if out is None or not (out / KIT_FILE).is_file():
        return Answers(options, {}, ())
    content = yaml_mapping((out / KIT_FILE).read_bytes(), KIT_FILE)
    before = _checked(content.get("answers"))
    texts = {name: str(before[name]) for name in _TEXTS if before.get(name)}
    if "spreadsheet" in texts and not (folder / texts["spreadsheet"]).is_file():
        texts = {name: text for name, text in texts.items() if name == "language"}
    is_same = options.spreadsheet in (None, texts.get("spreadsheet"))
    listed = before.get("attributes")
    filled = replace(
        options,
        spreadsheet=options.spreadsheet or texts.get("spreadsheet"),
        sheet=options.sheet or (texts.get("sheet") if is_same else None),
        language=options.language or texts.get("language"),
        attributes=list(listed) if options.attributes is None and isinstance(listed, list) else options.attributes,
        empty_text=_chosen(options.empty_text, EmptyText.ask, EmptyText, before.get("empty_text")),
        bad_rows=_chosen(options.bad_rows, BadRows.stop, BadRows, before.get("bad_rows")),
    )
    columns = before.get("columns")
    kept = {str(key): str(name) for key, name in columns.items()} if isinstance(columns, dict) else {}
    return Answers(filled, kept, (f"what {KIT_FILE} of the kit made before answers is used",))


def answers_text(
    columns: Mapping[str, str], spreadsheet: str, sheet: str, options: KitOptions, *, made: Mapping[str, object]
) -> str:
    """Return `kit.yaml`.

    Args:
        columns: Headers by what they mean, as chosen.
        spreadsheet: The file, as found.
        sheet: Its sheet; "" where it has none.
        options: What was said.
        made: What else is to be known of how the kit was made.
    """
    answers = {
        "spreadsheet": spreadsheet,
        "sheet": sheet or None,
        "columns": dict(options.columns) | dict(columns),
        "attributes": options.attributes,
        "language": options.language,
        "empty_text": options.empty_text.value,
        "bad_rows": options.bad_rows.value,
    }
    return _HEAD + yaml.safe_dump({"answers": answers, **made}, sort_keys=False, allow_unicode=True, width=120)


def _chosen(now: Choice, default: Choice, choices: type[Choice], before: object) -> Choice:
    """Return what is said now, else what was answered before."""
    return choices(before) if now is default and before is not None else now


def _checked(found: object) -> Mapping[object, object]:
    """Return the answers of the file, or raise with every one that cannot be meant."""
    if not isinstance(found, dict):
        raise ManifestError([f"{KIT_FILE}: has no answers. Remove the file, and they are found or asked anew."])
    problems = [
        *(f"{name} is no text" for name in _TEXTS if not isinstance(found.get(name), str | None)),
        *(
            f"{name} is none of {', '.join(choice.value for choice in choices)}"
            for name, choices in (("empty_text", EmptyText), ("bad_rows", BadRows))
            if found.get(name) not in (None, *(choice.value for choice in choices))
        ),
    ]
    columns, attributes = found.get("columns"), found.get("attributes")
    if columns is not None and not (isinstance(columns, dict) and set(columns) <= set(MEANINGS)):
        problems.append(f"columns are not by {', '.join(MEANINGS)}")
    if attributes is not None and not (
        isinstance(attributes, list) and all(isinstance(name, str) for name in attributes)
    ):
        problems.append("attributes are no list of headers")
    if problems:
        raise ManifestError([f"{KIT_FILE}: {problem}. Correct it, or remove the file." for problem in problems])
    return found
