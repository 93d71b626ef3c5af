"""Two coded manifests in, what both have out: people, utterances, recordings, texts.

What a recogniser was trained or tuned on measures how well it remembers, not how well it hears.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.fairness.described.coded import NOTHING, Coded, Keys
from harness.fairness.speaker_sums import Ints

LEAKAGE_COLUMNS = ("manifest", "kind", "what", "n_words", "n_here", "n_there", "first_here", "first_there")
LEAK_KIND_COLUMNS = ("manifest", "kind", "n_shared", "n_utterances", "n_speakers")
SPEAKER, UTTERANCE, RECORDING, TEXT, SENTENCE = "speaker", "utterance", "recording", "text", "sentence"
KINDS = (SPEAKER, UTTERANCE, RECORDING, SENTENCE, TEXT)
SENTENCE_WORDS = 4  # a text of fewer words is said by anybody


@dataclass(frozen=True, slots=True)
class Side:
    """Is a manifest: its table, and the same coded."""

    frame: pd.DataFrame
    them: Coded


@dataclass(frozen=True, slots=True)
class Leaks:
    """Holds what a manifest shares with others.

    Attributes:
        table: One row for each speaker, utterance, recording or text that is in both, with LEAKAGE_COLUMNS: how many
            utterances of it are here and there, and the first of each. A `sentence` is a text of SENTENCE_WORDS words
            or more, `text` any shorter one.
        kinds: One row a manifest and kind with LEAK_KIND_COLUMNS: how many are shared, and how many utterances and
            speakers here are of them.
    """

    table: pd.DataFrame
    kinds: pd.DataFrame


def leakage(here: Side, there: Side, name: str) -> Leaks:
    """List what two manifests share.

    Args:
        here: The manifest described.
        there: Another one.
        name: Of the other one.
    """
    tables, kinds = [], []
    for kind, what, own, other, counted in _compared(here, there):
        shared = _shared(own, other, counted)
        tables.append(_table(here, there, shared, what).assign(manifest=name, kind=kind))
        touched = np.isin(own, shared.keys) & counted
        people = np.unique(here.them.speakers[touched & (here.them.speakers >= 0)])
        kinds.append((name, kind, len(shared.keys), int(touched.sum()), len(people)))
    found = [table for table in tables if len(table)] or tables[:1]
    return Leaks(
        pd.concat(found, ignore_index=True)[list(LEAKAGE_COLUMNS)],
        pd.DataFrame(kinds, columns=list(LEAK_KIND_COLUMNS)),
    )


def no_leaks() -> Leaks:
    """Return what is shared with no other manifest."""
    return Leaks(pd.DataFrame(columns=list(LEAKAGE_COLUMNS)), pd.DataFrame(columns=list(LEAK_KIND_COLUMNS)))


def _compared(here: Side, there: Side) -> Iterator[tuple[str, str, Keys, Keys, "np.typing.NDArray[np.bool_]"]]:
    """Yield kind, the column that names it, the keys on both sides, and which utterances here are looked at."""
    own, other = here.them, there.them
    everything = np.ones(len(own), dtype=bool)
    long = own.words >= SENTENCE_WORDS
    yield SPEAKER, "speaker_id", own.people, other.people, everything
    yield UTTERANCE, "utterance_id", own.ids, other.ids, everything
    yield RECORDING, "audio_filepath", own.recordings, other.recordings, everything
    yield SENTENCE, "text", own.texts, other.texts, long
    yield TEXT, "text", own.texts, other.texts, ~long


@dataclass(frozen=True, slots=True)
class _Shared:
    """Holds the keys that are on both sides, and of each side how often and where first."""

    keys: Keys
    n_here: Ints
    n_there: Ints
    first_here: Ints
    first_there: Ints


def _shared(own: Keys, other: Keys, counted: "np.typing.NDArray[np.bool_]") -> _Shared:
    rows = np.flatnonzero(counted & (own != NOTHING))
    keys, first, n_here = np.unique(own[rows], return_index=True, return_counts=True)
    others, first_other, n_there = np.unique(other[other != NOTHING], return_index=True, return_counts=True)
    both, mine, theirs = np.intersect1d(keys, others, assume_unique=True, return_indices=True)
    there = np.flatnonzero(other != NOTHING)
    order = np.argsort(rows[first][mine], kind="stable")  # as they come up here
    mine, theirs = mine[order], theirs[order]
    return _Shared(both[order], n_here[mine], n_there[theirs], rows[first[mine]], there[first_other[theirs]])


def _table(here: Side, there: Side, shared: _Shared, what: str) -> pd.DataFrame:
    first_here, first_there = shared.first_here, shared.first_there
    return pd.DataFrame(
        {
            "manifest": "",
            "kind": "",
            "what": here.frame[what].to_numpy(dtype=object)[first_here],
            "n_words": here.them.words[first_here] if what == "text" else pd.NA,
            "n_here": shared.n_here,
            "n_there": shared.n_there,
            "first_here": here.frame["utterance_id"].to_numpy(dtype=object)[first_here],
            "first_there": there.frame["utterance_id"].to_numpy(dtype=object)[first_there],
        }
    )
