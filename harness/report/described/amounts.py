"""What was found of a corpus in, how much there is and what is there twice out."""

from harness.errors import UsageError
from harness.report import charts
from harness.report.charts.histogram import histogram
from harness.report.described.cells import counted, edge, measured, rows_of
from harness.report.described.seen import DUPLICATES, LEAKAGE, LENGTHS, PEOPLE, Seen
from harness.report.described.words import uneven_sentence
from harness.report.html.parts import Heading, Part, Section, Words, drawing, table

_PERSON, _UTTERANCE = ("person", "people"), ("utterance", "utterances")
_MEASURES = {  # title of its picture, unit, what is counted
    "words_per_speaker": ("Words of a person", "words", _PERSON),
    "duration_s": ("Seconds of an utterance", "seconds", _UTTERANCE),
    "words": ("Words of an utterance", "words", _UTTERANCE),
}
_REPEATED = {
    "segment": "the same part of the same file",
    "audio": "the same bytes under another name",
    "text": "the same person says the same text again",
}


def lengths_section(seen: Seen) -> Section:
    """Return how much each person says, how long utterances are, and in which languages."""
    parts: list[Part] = [Words(uneven_sentence(seen))]
    for measure, (title, unit, what) in _MEASURES.items():
        bins = seen.lengths[seen.lengths["measure"] == measure]
        try:
            chart = histogram(bins, title=title, unit=unit, what=what)
        except UsageError:  # of nobody is it known
            continue
        parts += [Heading(title), drawing(measure.replace("_", "-"), charts.spec(chart), table="lengths-table")]
    rows = [
        (_MEASURES[row["measure"]][0], edge(row["low"]), edge(row["high"]), counted(row["n"]))
        for row in rows_of(seen.lengths)
    ]
    headers, caption = ("what", "from", "below", "number"), "How many there are of each size."
    parts.append(table("lengths-table", headers, rows, caption=caption, file=LENGTHS, folded=True))
    languages = [
        (row["slice"], (row["people_text"], float(row["rank"])), counted(row["n_utterances"]), measured(row["hours"]))
        for row in rows_of(seen.languages)
    ]
    headers, caption = ("language", "people", "utterances", "hours"), "As the manifest states them."
    parts += [Heading("Languages"), table("languages-table", headers, languages, caption=caption, file=PEOPLE)]
    return Section("lengths", "How much each says, how long, in which language", "Lengths", parts)


def repeats_section(seen: Seen) -> Section:
    """Return what is in the manifest twice, and what other manifests have, too."""
    rows = [
        (_REPEATED[row["kind"]], row["n_groups"], row["n_utterances"], row["n_repeats"], row["n_groups_differing"])
        for row in seen.summary["duplicates"]
        if row["kind"] != "audio" or seen.summary["audio"]["compared_by"] == "contents"
    ]
    caption = "Repeats are utterances beyond the first of a group. Groups that differ have several speakers or texts."
    headers = ("what", "groups", "utterances", "repeats", "groups that differ")
    parts: list[Part] = [
        Words(_compared(seen)),
        table("repeats-table", headers, rows, caption=caption, file=DUPLICATES),
        *_leaks(seen),
    ]
    return Section("repeats", "What is there twice", "Repeats", parts)


def _compared(seen: Seen) -> str:
    audio = seen.summary["audio"]
    if audio["compared_by"] != "contents":
        return "Recordings were compared by path, not by what is in them: describe.audio=contents does."
    return (
        f"Recordings were compared byte by byte: {audio['n_read']:,} of {audio['n_files']:,} files have the size of "
        f"another one and were read; {audio['n_absent']:,} are not there."
    )


def _leaks(seen: Seen) -> list[Part]:
    leaks = seen.summary["leaks"]
    if not leaks:
        said = "No other manifest was compared with: against=[FILE] looks for people, recordings and texts of both."
        return [Words(said, "muted")]
    rows = [
        (row["manifest"], row["kind"], row["n_shared"], row["n_utterances"], seen.people_told(row["n_speakers"]))
        for row in leaks
    ]
    caption = (
        "What is here and in another manifest: how many, and the utterances and people here that it concerns. A "
        "sentence has four words or more, a text fewer. One speaker id is one person only where both manifests call "
        "people alike."
    )
    headers = ("other manifest", "what", "shared", "utterances here", "people here")
    return [Heading("In other manifests, too"), table("leakage-table", headers, rows, caption=caption, file=LEAKAGE)]
