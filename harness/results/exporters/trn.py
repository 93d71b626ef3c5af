"""A table with a run in; NIST TRN files of references and hypotheses out, which sclite reads and counts alike.

```
ref.trn           normalised reference (SPEAKER-UTTERANCE)
hyp.trn           normalised hypothesis under the same id; one that failed is empty, as it is scored
utterances.tsv    what each id stands for, where it is not the utterance's own
README.txt        the command line for sclite, and what agrees
```

With several conditions there are `hyp_CONDITION.trn`. Ids stay as they are where sclite finds the speaker in all of
them, before the first hyphen or else underscore; else the speaker is put before. TRN has no place for raw texts,
attributes and recordings: `format=stm` or `format=kaldi` have them.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from harness.corpus.tokens import one_line, token
from harness.results.exporters.json_lines import by_condition
from harness.results.exporters.lines import remove_stale, write_lines
from harness.results.exporters.sclite import LONGEST_ID, NEVER, sclite_words
from harness.results.exporters.table import ExportTable

REFERENCE, UTTERANCES, README = "ref.trn", "utterances.tsv", "README.txt"
NOBODY = "%none"  # speaker of those whom nobody names; no other word begins so, since n is no hexadecimal digit
OPTIONS = "-i spu_id -e utf-8 -s"  # speakers before a hyphen, UTF-8, capitals count


def write_trn(table: ExportTable, out: Path) -> list[Path]:
    """Writes the pair, or a hypothesis file for each condition; returns the files."""
    frame = table.frame.drop_duplicates("utterance_id")
    words = trn_ids(frame["utterance_id"].tolist(), frame["speaker_id"].tolist())
    ids = dict(zip(frame["utterance_id"], words, strict=True))
    heard = {f"hyp{name and f'_{name}'}.trn": rows for name, rows in by_condition(table)}
    files: dict[str, Iterable[str]] = {
        REFERENCE: _lines(frame["reference"], words),
        **{
            name: _lines(rows["hypothesis"], [ids[each] for each in rows["utterance_id"]])
            for name, rows in heard.items()
        },
    }
    if any(word != utterance_id for utterance_id, word in ids.items()):
        files[UTTERANCES] = _named(frame, words)
    files[README] = _readme(list(heard))
    written = write_lines(out, files)
    remove_stale(out, ("hyp*.trn", UTTERANCES), written)
    return written


def trn_ids(utterance_ids: Sequence[str], speaker_ids: Sequence[str | None]) -> list[str]:
    """Returns the ids for sclite, which finds the speaker in them.

    >>> trn_ids(["a-1", "b_2"], ["a", "b"]), trn_ids(["1", "2"], ["a", None])
    (['a-1', 'b_2'], ['a-1', '%none-2'])
    """
    speakers = [NOBODY if each is None else token(each, never=f"-{NEVER}", at_most=LONGEST_ID) for each in speaker_ids]
    words = [token(each, never=NEVER, at_most=LONGEST_ID) for each in utterance_ids]
    if all(_speaker(word) == speaker for word, speaker in zip(words, speakers, strict=True)):
        return words
    return [f"{speaker}-{word}" for word, speaker in zip(words, speakers, strict=True)]


def _speaker(word: str) -> str:
    """Returns whom sclite takes for the speaker of an id."""
    return word.partition("-" if "-" in word else "_")[0] if "-" in word or "_" in word else ""


def _lines(texts: Iterable[str], words: Iterable[str]) -> Iterator[str]:
    for text, word in zip(texts, words, strict=True):
        yield f"{sclite_words(text)} ({word})".lstrip(" ")


def _named(frame: pd.DataFrame, words: Iterable[str]) -> Iterator[str]:
    yield "id\tutterance_id\tspeaker_id"
    for word, utterance_id, speaker_id in zip(words, frame["utterance_id"], frame["speaker_id"], strict=True):
        yield f"{word}\t{one_line(utterance_id)}\t{one_line(speaker_id or '')}"


def _readme(names: Sequence[str]) -> list[str]:
    hypotheses = " ".join(f"-h {name} trn" for name in names)
    return [
        f"sclite -r {REFERENCE} trn {hypotheses} {OPTIONS} -o sum stdout",
        "",
        "sclite is part of NIST SCTK; Debian has it as `sctk sclite`. -s is needed: without it capitals are folded,",
        "which normalisers do or do not do on purpose. Give neither -F nor -D, which forgive fragments and words in",
        "brackets.",
        "",
        "Both programs count the same words in references and in hypotheses. sclite looks for the alignment with the",
        "least 4 S + 3 (D + I), the harness for the one with the least S + D + I. So sclite sometimes has an insertion",
        "and a deletion where the harness has two substitutions, and rarely more errors altogether, never fewer. On",
        "9,177 conversational utterances of EdAcc with each of three recognisers the kinds differed in 1.0 to 1.5 % of",
        "the utterances and the sum of errors in 3 of them, which is 0.003 points of WER.",
        "",
        "Texts are normalised. A character that sclite would read as something else than a letter stands as % and its",
        "bytes, and a word longer than 90 bytes as %% and a digest: different words stay different.",
    ]
