"""A run's facts and configuration in, what of them a bundle holds out: all that decides a number, and no place.

What is kept is named here. Left out are paths, addresses, the machine, its timings, and why single clips failed, which
may name any of these.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from harness.corpus.datasheet import DATASHEET_FILE
from harness.results.run import (
    ADJUSTED,
    BALANCE,
    CONDITIONS,
    CROSSINGS,
    DISPARITIES,
    EXTRA_HARM,
    FACTS,
    LEVELS,
    MATCHED,
    METRICS,
    NORMALIZERS,
    PLACED,
    SLICES,
    SUMMARY,
    TERM_LIST,
    TERM_VALUES,
    TERMS,
)

FORMAT, FORMAT_VERSION = "asr-fairness-harness bundle", 1
ABOUT, README, CONFIGURED, VERSIONS = "bundle.json", "README.md", "config.json", "versions.txt"
MANIFEST, HEARD = "manifest.jsonl", "hypotheses/0001.jsonl"
SPELLINGS_FILE, TERMS_FILE = "spellings.csv", "terms.csv"
BESIDE, BESIDE_FACTS = f"beside/{DISPARITIES}", f"beside/{FACTS}"
TABLES_FOLDER = "tables"
CLAIMED = (  # in the order in which a difference is told; what is left out: README says why
    SLICES, DISPARITIES, NORMALIZERS, ADJUSTED, MATCHED, BALANCE, METRICS, CONDITIONS, EXTRA_HARM, CROSSINGS, PLACED,
    TERMS, TERM_LIST, TERM_VALUES,
)  # fmt: skip
GIVEN = LEVELS  # what conditions are levels of is told, not measured
SCOREABLE = ("benchmark", "rescore", "last_mile")
DIALECT = "dialect"  # the table of spellings that comes with the package
FAILED = "failed"  # stands for why a clip failed

_KILO, _MEGA = 1_000, 1_000_000
_LARGEST = MappingProxyType(  # bytes of each file; what is read whole into objects has less
    {
        ABOUT: _MEGA,
        README: 100 * _KILO,
        CONFIGURED: _MEGA,
        VERSIONS: 100 * _KILO,
        DATASHEET_FILE: 250 * _KILO,
        FACTS: 4 * _MEGA,
        MANIFEST: 1_000 * _MEGA,
        HEARD: 2_000 * _MEGA,
        SPELLINGS_FILE: 5 * _MEGA,
        TERMS_FILE: 50 * _MEGA,
        BESIDE: 100 * _MEGA,
        BESIDE_FACTS: _MEGA,
        f"{TABLES_FOLDER}/{SUMMARY}": 10 * _MEGA,
        **{f"{TABLES_FOLDER}/{name}": 500 * _MEGA for name in (*CLAIMED, GIVEN)},
    }
)
_FACTS = (
    "commit", "python", "versions", "seed", "manifest", "sliced_by", "policy", "normalizer", "terms", "pipeline",
    "conditions", "device", "n_rows_in", "n_scored", "n_failed",
)  # fmt: skip
_CONFIG = ("policy", "slices", "seed", "evidence", "reference_pattern", "allow_missing", "stem_ids", "wer", "scale")
_OF_SPEAKERS = "speaker_id has values"  # begins a note that names ids
_DATE = 10  # characters of a date, without the time and its zone
_ADDRESS = re.compile(r"\w+://\S+|\$\{[^}]*\}")
_FOLDERS = re.compile(r"(?<![\w./~-])(?:[A-Za-z]:)?(?:~|\.{1,2})?[/\\](?:[^\s/\\\"']+[/\\])*")


def largest(name: str) -> int | None:
    """Return how many bytes a file of a bundle may have; None where none is called so."""
    return _LARGEST.get(name)


def kept_facts(facts: Mapping[str, object]) -> dict[str, object]:
    """Return what of run.json a bundle holds."""
    backend, heard = facts.get("backend"), _mapping(facts.get("hypotheses"))
    kept = {name: facts[name] for name in _FACTS if name in facts}
    return kept | {
        "finished": str(facts.get("finished", ""))[:_DATE],
        "backend": without_places(backend) if isinstance(backend, Mapping) else None,
        "hypotheses": {name: heard[name] for name in ("digest", "unmatched") if name in heard} or None,
    }


def kept_config(config: Mapping[str, object]) -> dict[str, object]:
    """Return what of config.yaml a bundle holds: with `spellings`, `terms` and `beside` as what a bundle calls them."""
    spellings = config.get("spellings")
    return {
        **{name: config[name] for name in _CONFIG if name in config},
        "normalizer": without_places(config.get("normalizer")),
        "conditions": without_places(_mapping(config.get("conditions"))),
        "spellings": spellings if spellings in (None, DIALECT) else SPELLINGS_FILE,
        "terms": None if config.get("terms") is None else TERMS_FILE,
        "beside": None if config.get("beside") is None else BESIDE,
    }


def kept_summary(summary: Mapping[str, object], *, coded: bool) -> dict[str, object]:
    """Return what of summary.json is claimed; with codes in the place of ids, no note names any."""
    kept = {name: value for name, value in summary.items() if name != "failure_reasons"}
    notes = kept.get("notes")
    if coded and isinstance(notes, list):
        kept["notes"] = [note.partition(":")[0] if _names_speakers(note) else note for note in notes]
    return kept


def locked(facts: Mapping[str, object]) -> str:
    """Return the versions that a run was made with, as pip reads them."""
    versions = _mapping(facts.get("versions"))
    lines = [f"{name}=={versions[name]}" for name in sorted(versions) if versions[name] is not None]
    return "".join(f"{line}\n" for line in [f"# Python {facts.get('python')}", *lines])


def without_places(told: object) -> object:
    """Return plain data without folders and addresses in its texts: they are of a machine.

    >>> without_places({"model": "/home/me/base.pt", "name": "openai/whisper-base", "url": "http://host:8000/v1"})
    {'model': 'base.pt', 'name': 'openai/whisper-base', 'url': '(an address)'}
    """
    if isinstance(told, Mapping):
        return {str(key): without_places(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [without_places(each) for each in told]
    return _FOLDERS.sub("", _ADDRESS.sub("(an address)", told)) if isinstance(told, str) else told


def as_json(content: Mapping[str, object]) -> str:
    """Return JSON as a bundle holds it: the same content is the same bytes."""
    return f"{json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False, default=str)}\n"


def _names_speakers(note: object) -> bool:
    return isinstance(note, str) and note.startswith(_OF_SPEAKERS)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
