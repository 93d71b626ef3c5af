"""A row of next.csv in, what is to be done as a sentence out."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from harness.corpus.attributes import KINDS_OF_PEOPLE
from harness.fairness.described import StepKind
from harness.fairness.membership import AND
from harness.report.wording import percent, plain

Row = Mapping[str, Any]

GROUPS = (  # heading, and the kinds of steps below it
    ("Mend what is there", ("keep_apart", "remove", "settle", "name_speaker", "fill", "time")),
    ("Ask, without a recording", ("ask",)),
    ("Record", ("vary", "say_more", "record", "record_each")),
    ("Let groups say the same", ("share", "level")),
)
_PEOPLE = frozenset(kind.value for kind in KINDS_OF_PEOPLE)
_FEW = "few"  # said of a number that is withheld


def sentence(row: Row) -> str:
    """Return what is to be done; names from data are on one line."""
    return _SENTENCES[StepKind(row["kind"])](row)


def subject(row: Row) -> str:
    """Name the attribute or the slice that a step is about; empty where it is about the corpus.

    >>> subject({"dimension": "accent & gender", "slice": "scottish & female"})
    'accent & gender = scottish & female'
    """
    if not row["slice"]:
        return plain(row["dimension"])
    equals = " = " if AND in row["dimension"] else "="
    return f"{plain(row['dimension'])}{equals}{plain(row['slice'])}"


def _keep_apart(row: Row) -> str:
    what, _, manifest = str(row["of"]).partition(" ")
    n_shared, people = _many(row["n_more"], *_SHARED[what][0]), _many(row["n_speakers"], "person", "people")
    where = f"{_many(row['n_utterances'], 'utterance', 'utterances')} of {people} here"
    return f"{n_shared} also in {plain(manifest)} ({where}). {_SHARED[what][1]}"


_SHARED = {
    "speaker": (
        ("speaker is", "speakers are"),
        "Keep people apart, or say of every number that these were heard before; one id may also be two people.",
    ),
    "recording": (("recording is", "recordings are"), "Remove them from one of the two."),
    "sentence": (
        ("sentence is", "sentences are"),
        "A recogniser that learnt them is flattered: leave them out, or tell the number without them, too.",
    ),
}


_COPIES = {"segment": "the same part of the same file", "audio": "the same bytes under another file name"}


def _remove(row: Row) -> str:
    verb = "repeats" if row["n_utterances"] == 1 else "repeat"
    who = _many(row["n_utterances"], "utterance", "utterances")
    return f"{who} {verb} an earlier one: {_COPIES[row['of']]}. Remove them."


def _settle(row: Row) -> str:
    if row["of"] == "person":
        who = _many(row["n_speakers"], "person has", "people have")
        return f"{subject(row)}: {who} several values. Ask which is right; until then each counts in several slices."
    n_groups = _many(row["n_utterances"], "group of copies differs", "groups of copies differ")
    where = f"though they are {_COPIES[row['of']]}"
    return f"{n_groups} in who speaks or in what is said, {where}. Listen; keep the right one."


def _name_speaker(row: Row) -> str:
    verb = "has" if row["n_utterances"] == 1 else "have"
    return (
        f"{_many(row['n_utterances'], 'utterance', 'utterances')} {verb} no speaker id. Find out who speaks: evidence "
        "is counted in people, and nobody without an id counts as one."
    )


def _time(row: Row) -> str:
    verb = "has" if row["n_utterances"] == 1 else "have"
    who = _many(row["n_utterances"], "utterance", "utterances")
    return f"{who} {verb} no duration. State it in the column duration: hours are not known without."


def _fill(row: Row) -> str:
    who = _many(row["n_speakers"], "person", "people")
    return (
        f"{subject(row)}: {who} declared it in some utterances and not in others. Their own value is known for "
        f"{_many(row['n_utterances'], 'utterance', 'utterances')} more."
    )


def _ask(row: Row) -> str:
    if row["n_speakers"] == row["n_speakers"] and row["n_speakers"] > 0:
        who = f"{_many(row['n_speakers'], 'person', 'people')} ({percent(row['share'])})"
    elif pd.isna(row["n_utterances"]):
        who = "some people"
    else:
        who = f"{_many(row['n_utterances'], 'utterance', 'utterances')} ({percent(row['share'])})"
    asked = "Ask them" if row["of"] in _PEOPLE else "Annotate it"
    return f"{subject(row)}: of {who} it is not recorded. {asked}; it takes no recording."


def _vary(row: Row) -> str:
    if row["n_speakers"] == 0:
        return f"{subject(row)}: nobody declared a value, so nothing can be said of it. Ask, or leave it out."
    return f"{subject(row)}: all who declared it have the same value: there is nobody to compare with. Record others."


def _record(row: Row) -> str:
    now = (
        f"{row.get('people_text') or _number(row['n_speakers'])} {'person' if row['n_speakers'] == 1 else 'people'} now"
    )
    if pd.isna(row["n_more"]):
        return f"{subject(row)}: {now}; more would show {_gap(row)}"
    words = "" if pd.isna(row["words_each"]) else f" of about {row['words_each']:,.0f} words each"
    more = f"{_number(row['n_more'])} more {'person' if row['n_more'] == 1 else 'people'}{words}"
    return f"{subject(row)}: {now}; {more} would show {_gap(row)}"


def _say_more(row: Row) -> str:
    now: str = "" if pd.isna(row["words_each"]) else f" (about {row['words_each']:,.0f} now)"
    return (
        f"Let those who are there say more: with ten times as many words each{now}, two equal groups of "
        f"{_number(row['n_if_wordy'])} people instead of {_number(row['n_more'])} would show {_gap(row)}"
    )


def _record_each(row: Row) -> str:
    now = f"{_many(row['n_speakers'], 'person', 'people')} in the smallest slice now"
    if pd.isna(row["n_more"]):
        return f"{subject(row)}: {now}; no number of people up to 100,000 would show {_gap(row)}"
    words = "" if pd.isna(row["words_each"]) else f", of about {row['words_each']:,.0f} words each"
    wordy = (
        "" if pd.isna(row["n_if_wordy"]) else f" {_number(row['n_if_wordy'])} would, if each said ten times as much."
    )
    return (
        f"{subject(row)}: {now}, and more of one value alone are not enough. About {_number(row['n_more'])} people of "
        f"every value{words}, would show {_gap(row)}{wordy}"
    )


def _share(row: Row) -> str:
    if pd.isna(row["share"]):
        return f"{subject(row)}: people here say texts of their own. Let them say what the others say."
    return (
        f"{subject(row)}: {percent(row['share'])} of what is said here is also said in another slice; dealt out at "
        f"random it would be {percent(row['share_expected'])}. Let people here say what the others say, or a gap may "
        "be one of texts."
    )


def _level(row: Row) -> str:
    if pd.isna(row["share"]):
        return f"{subject(row)}: few say most of the words. Let the others say more."
    return (
        f"{subject(row)}: {_many(row['n_speakers'], 'person weighs', 'people weigh')} as {row['share_expected']:.1f}, "
        f"for one says {percent(row['share'])} of the words. Let the others say more."
    )


_SENTENCES: Mapping[StepKind, Callable[[Row], str]] = {
    StepKind.keep_apart: _keep_apart,
    StepKind.remove: _remove,
    StepKind.settle: _settle,
    StepKind.name_speaker: _name_speaker,
    StepKind.time: _time,
    StepKind.fill: _fill,
    StepKind.ask: _ask,
    StepKind.vary: _vary,
    StepKind.say_more: _say_more,
    StepKind.record: _record,
    StepKind.record_each: _record_each,
    StepKind.share: _share,
    StepKind.level: _level,
}


def _gap(row: Row) -> str:
    points = f"{100 * row['gap']:g}"
    return f"a gap of {points} {'point' if points == '1' else 'points'} (power {row['power']:g})."


def _number(number: float) -> str:
    return _FEW if pd.isna(number) else f"{int(number):,}"


def _many(number: float, one: str, more: str) -> str:
    return f"{_number(number)} {one if number == 1 else more}"
