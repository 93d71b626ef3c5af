"""A written card and runs in, every number, word and row of it that the runs do not back out.

What a card shows is read back from its own text, Markdown and HTML too, and compared with the card that the runs make
now. Of what its author stated only its files are compared with one another.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import UsageError
from harness.report.cards import markdown, page
from harness.report.cards.authored import NOTHING_STATED, Authored, parse_authored
from harness.report.cards.blocks import CARD_VERSION
from harness.report.cards.card import JSON, MARKDOWN, PAGE, Card, check_run, names_of
from harness.report.cards.evidence import Evidence
from harness.report.cards.expected import Expected, json_problems
from harness.report.cards.lines import Problem
from harness.report.cards.model_index import MODEL_INDEX, model_index, read_model_index
from harness.report.cards.released import document_of
from harness.report.pages import embedded
from harness.results import Run
from harness.results.releases.record import ReleasedRun

_FORMS = {".md": MARKDOWN, ".html": PAGE, ".json": JSON}


@dataclass(frozen=True, slots=True)
class Checked:
    """Says what a check found.

    Attributes:
        path: The card.
        files: Names of the files that were read.
        runs: Names of the run directories.
        n_claims: Numbers and other values that the card has to show.
        problems: What is not as the runs say.
    """

    path: Path
    files: tuple[str, ...]
    runs: tuple[str, ...]
    n_claims: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Header:
    """Is what a file of a card says of itself."""

    version: object
    runs: tuple[tuple[str, str, str], ...]  # name, folder, digest


def verify(card: Path, runs: Sequence[Run]) -> Checked:
    """Check a card: one of its files, or the folder that holds them.

    Raises:
        UsageError: There is no card there, or it was made from another number of runs.
    """
    found = _files(card)
    for run in runs:
        check_run(run)
    stated = _stated(found[JSON]) if JSON in found else None
    problems: list[Problem] = []
    n_claims = 0
    for name, path in found.items():
        of_file, n = _check(path, runs, authored=stated if len(found) > 1 or name == JSON else None)
        problems += of_file
        n_claims = max(n_claims, n)
    if card.is_dir():
        problems += [Problem(name, None, "", "", "is not there") for name in _FORMS.values() if name not in found]
        problems += _check_model_index(card, found, runs)
    names = tuple(run.path.resolve().name for run in runs)
    return Checked(card, tuple(path.name for path in found.values()), names, n_claims, tuple(problems))


def _files(card: Path) -> dict[str, Path]:
    """Return the files of a card, by what form they have.

    Raises:
        UsageError: There is none.
    """
    if card.is_dir():
        found = {name: card / name for name in (JSON, MARKDOWN, PAGE) if (card / name).is_file()}
        if not found:
            raise UsageError(f"verify={card}: no service_card.md, .html or .json in this folder.")
        return found
    form = _FORMS.get(card.suffix.lower())
    if form is None or not card.is_file():
        raise UsageError(f"verify={card}: expected service_card.md, .html or .json, or the folder that holds them.")
    return {form: card}


def _check(path: Path, runs: Sequence[Run], *, authored: Authored | None) -> tuple[list[Problem], int]:
    """Return the problems of one file, and how many claims it should have."""
    text = path.read_text(encoding="utf-8", errors="replace")
    said = _header_text(path, text)
    if said is None:
        raise UsageError(f"{path}: not a service card of this harness; it does not say which run it was made from.")
    header = _header(said)
    if header is None or not header.runs or not _is_own(path, said, header):
        return [Problem(path.name, None, "", "", "what it says of its own runs is damaged")], 0
    if header.version != CARD_VERSION:
        message = (
            f"is a card of version {header.version}; this harness checks version {CARD_VERSION}. Make the card again"
        )
        return [Problem(path.name, None, "", "", message)], 0
    evidence, problems = _matched(path, header, runs)
    problems += [] if authored is None else _misnamed(path, evidence, authored)
    expected = Expected(
        Card(evidence, authored or NOTHING_STATED, document_of(evidence)), knows_stated=authored is not None
    )
    return [*problems, *expected.problems(path.name, text)], len(expected.claims)


def _header_text(path: Path, text: str) -> str | None:
    """Return the JSON in which a file says what it was made from; None where it says nothing."""
    if path.suffix.lower() == ".json":
        return text if '"version"' in text else None
    return markdown.header(text) if path.suffix.lower() == ".md" else page.header(text)


def _is_own(path: Path, said: str, header: _Header) -> bool:
    """Say whether a file says nothing else in the place where it says what it was made from."""
    runs = [dict(zip(("name", "folder", "digest"), run, strict=True)) for run in header.runs]
    facts = {"version": header.version, "runs": runs}
    written = {".md": markdown.in_comment, ".html": embedded}.get(path.suffix.lower())
    return written is None or said == written(facts)


def _header(said: str) -> _Header | None:
    try:
        content = json.loads(said)
        runs = tuple((str(run["name"]), str(run["folder"]), str(run["digest"])) for run in content["runs"])
    except (ValueError, TypeError, KeyError):
        return None
    return _Header(content.get("version"), runs)


def _matched(path: Path, header: _Header, runs: Sequence[Run]) -> tuple[tuple[Evidence, ...], list[Problem]]:
    """Return the runs under the names and in the order of the card; those that it was not made from are problems.

    Raises:
        UsageError: There are more or fewer.
    """
    if len(runs) != len(header.runs):
        names = ", ".join(f"{name} (run {folder})" for name, folder, _ in header.runs)
        raise UsageError(f"{path}: made from {len(header.runs)} runs, {names}; found {len(runs)} in run=.")
    given = [Evidence("", run, run.path.resolve().name) for run in runs]
    by_digest = {each.digest: each for each in given}
    left = [each for each in given if each.digest not in {digest for _, _, digest in header.runs}]
    found, problems = list[Evidence](), list[Problem]()
    for place, (name, folder, digest) in enumerate(header.runs, start=1):
        evidence = by_digest.get(digest) or (left.pop(0) if left else given[place - 1])
        if evidence.digest != digest:
            message = f"was made from another run than {evidence.folder}, or from other tables of it ({folder}, {name})"
            problems.append(Problem(path.name, None, f"tables with the digest {evidence.digest}", digest, message))
        found.append(replace(evidence, name=name, folder=folder, place=place, n_configurations=len(runs)))
    return tuple(found), problems


def _misnamed(path: Path, evidence: Sequence[Evidence], authored: Authored) -> list[Problem]:
    """Return the runs whose numbers a card gives to something that they did not measure."""
    names = names_of([each.facts for each in evidence], [each.folder for each in evidence], authored)
    return [
        Problem(path.name, None, wanted, each.name, f"run {each.folder} is called by another name")
        for wanted, each in zip(names, evidence, strict=True)
        if wanted != each.name
    ]


def _check_model_index(folder: Path, found: Mapping[str, Path], runs: Sequence[Run]) -> list[Problem]:
    """Compare the model index, where there is one, with what the runs say."""
    path = folder / MODEL_INDEX
    if not path.is_file() or JSON not in found:
        return []
    if any(isinstance(run, ReleasedRun) for run in runs):
        return [Problem(MODEL_INDEX, None, "no such file", "one", "a card of a release has no model index")]
    header = _header(found[JSON].read_text(encoding="utf-8", errors="replace"))
    if header is None or len(header.runs) != len(runs):
        return []
    evidence, _ = _matched(path, header, runs)
    card = Card(evidence, _stated(found[JSON]) or NOTHING_STATED, document_of(evidence))
    wanted = json.loads(json.dumps(model_index(card)))
    return json_problems(MODEL_INDEX, wanted, read_model_index(path), {})


def _stated(path: Path) -> Authored | None:
    """Return what service_card.json says was stated; None where it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return parse_authored(content["stated"], path.name)
    except (ValueError, TypeError, KeyError, AttributeError, UsageError):
        return None
