"""The counts of every utterance are those of jiwer's own alignment, which is made here with many pairs at a time."""

import csv
import json
import random

import jiwer
import numpy as np
import pytest

from harness.scoring import WhisperEnglish, character_counts, word_counts
from tests.shared import DATA, needs_data

WORDS = jiwer.ReduceToListOfListOfWords()
CHARACTERS = jiwer.ReduceToListOfListOfChars()
KINDS = ("equal", "substitute", "delete", "insert")


def jiwers(pairs, split):
    """Return hits, substitutions, deletions, insertions and the longest run of these of each pair, (n_pairs, 5)."""
    rows = []
    for start in range(0, len(pairs), 200):
        references, hypotheses = zip(*pairs[start : start + 200], strict=True)
        aligned = jiwer.process_words(
            list(references), list(hypotheses), reference_transform=split, hypothesis_transform=split
        )
        rows += [_row(chunks) for chunks in aligned.alignments]
    return np.array(rows)


def _row(chunks):
    lengths = {kind: [0] for kind in KINDS}
    for chunk in chunks:
        spans = (chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
        lengths[chunk.type].append(max(spans))
    return [*(sum(lengths[kind]) for kind in KINDS), max(lengths["insert"])]


def ours(pairs, count):
    counts = count(*map(list, zip(*pairs, strict=True)))
    return np.array(
        [counts.hits, counts.substitutions, counts.deletions, counts.insertions, counts.longest_insertion_run]
    ).T


def differing(pairs):
    words = (ours(pairs, word_counts) != jiwers(pairs, WORDS)).any(axis=1)
    characters = (ours(pairs, character_counts) != jiwers(pairs, CHARACTERS)).any(axis=1)
    return [pairs[row] for row in np.flatnonzero(words | characters)]


def random_pairs(n_pairs, vocabulary, longest):
    rng = random.Random(11)
    said = [rng.choices(vocabulary, k=rng.randrange(longest)) for _ in range(n_pairs)]
    for words in said:
        heard = [word for word in words if rng.random() > 0.1]
        for _ in range(rng.choice((0, 0, 1, 2, 6))):
            heard.insert(rng.randrange(len(heard) + 1), rng.choice(vocabulary))
        alike = rng.random() < 0.7
        yield " ".join(words), " ".join(heard if alike else rng.choices(vocabulary, k=rng.randrange(longest)))


@pytest.mark.parametrize(
    ("n_pairs", "vocabulary", "longest"),
    [
        pytest.param(50_000, ["a", "b"], 8, id="two-words"),
        pytest.param(40_000, ["a", "b", "ab", "ba", "scan", "can", "the", "der", "हि", "0"], 9, id="words-alike"),
        pytest.param(10_000, ["ß", "ss", "é", "e\u0301", "日", "日本", "😀", "👍🏽", "'", "𝔸"], 14, id="unicode"),
    ],
)
def test_random_pairs_have_the_counts_of_jiwer(n_pairs, vocabulary, longest):
    pairs = list(random_pairs(n_pairs, vocabulary, longest))
    assert len(pairs) == n_pairs
    assert any(not said and not heard for said, heard in pairs)
    assert differing(pairs) == []


def common_voice():
    def texts(name):
        with (DATA / "commonvoice" / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
            return [row["text"] for row in csv.DictReader(file, delimiter="\t")]

    said = texts("manifest")
    for system in ("whisper_large-v2", "mms_mms-1b-all", "whisper_tiny"):
        yield from zip(said, texts(system), strict=True)


def edacc():
    for path in sorted((DATA / "edacc").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            yield row["ref_raw"], row["hyp_raw"]


def artie():
    with (DATA / "artie" / "artie-bias-corpus.tsv").open(newline="") as file:
        said = {row["path"].removesuffix(".mp3"): row["sentence"] for row in csv.DictReader(file, delimiter="\t")}
    for path in sorted((DATA / "artie" / "predictions").glob("*.tsv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                yield said[row["path"].removesuffix(".wav")], row["prediction"]


@pytest.mark.parametrize(
    ("raw", "n_pairs"),
    [
        pytest.param(common_voice, 3 * 16_335, id="common-voice", marks=needs_data("commonvoice")),
        pytest.param(edacc, 3 * 9_177, id="edacc", marks=needs_data("edacc")),
        pytest.param(artie, 4 * 1_712, id="artie", marks=needs_data("artie")),
    ],
)
def test_real_pairs_have_the_counts_of_jiwer(raw, n_pairs):
    rules = WhisperEnglish()
    pairs = [(" ".join(rules(said).split()), " ".join(rules(heard).split())) for said, heard in raw()]
    assert len(pairs) == n_pairs
    assert differing(list(dict.fromkeys(pairs))) == []
