"""The screens of bundles say what was done, what differs and why it may, and steer no terminal."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from harness.report.bundles import Reproduced, VersionDiffers, show_bundled, show_reproduced
from harness.results.bundles import Bundled, Compared, Difference, Ids

BUNDLED = Bundled(Path("claim.tar"), "ab" * 32, 1234567, 14, 1712, "CC0-1.0", True, "the licence lets them", Ids.coded)
SAME = (Compared("slices.csv", n_cells=3168), Compared("summary.json", n_cells=47))
FOUND = Reproduced(Path("claim.tar"), "ab" * 32, Path("runs/x"), "whisper on demo", SAME, (), ())


def shown(show, told):
    out = io.StringIO()
    show(told, out)
    return out.getvalue()


def differing(column, n=1):
    return tuple(Difference("slices.csv", f"dimension=accent, slice={k}", column, "0.1", "0.2") for k in range(n))


def with_differences(*differences):
    return replace(FOUND, compared=(replace(SAME[0], differences=differences), SAME[1]))


def test_a_bundle_is_told_with_its_digest_and_what_is_in_it():
    text = shown(show_bundled, BUNDLED)
    assert "SHA-256 " + "ab" * 32 in text
    assert "1,234,567 bytes" in text
    assert "of 1,712 utterances are in it: the licence lets them." in text
    assert "harness reproduce claim.tar" in text
    assert "Written down in corpus/releases.jsonl" in shown(
        show_bundled, replace(BUNDLED, ledger=Path("corpus/releases.jsonl"))
    )
    without = shown(
        show_bundled, replace(BUNDLED, is_included=False, why="no licence is stated", unrecorded="read only")
    )
    assert "are NOT in it: no licence is stated." in without
    assert "references=include" in without
    assert "NOT WRITTEN DOWN that exact numbers are out: read only" in without


def test_identical_tables_are_said_to_be_identical():
    assert "REPRODUCED: all 3,215 cells are identical" in shown(show_reproduced, FOUND)


def test_last_digits_are_said_to_differ_in_their_last_digits():
    text = shown(show_reproduced, replace(FOUND, compared=(replace(SAME[0], n_rounded=2, furthest=5e-10), SAME[1])))
    assert "REPRODUCED: 3,215 cells are as claimed; 2 of them differ in their last digits, by 5e-10" in text
    assert "identical" not in text


def test_one_of_anything_is_told_as_one():
    assert "References and attributes of 1 utterance are in it" in shown(show_bundled, replace(BUNDLED, n_utterances=1))
    rounded = shown(show_reproduced, replace(FOUND, compared=(replace(SAME[0], n_rounded=1, furthest=5e-10), SAME[1])))
    assert "1 of them differs in its last digits" in rounded


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("hits", "other hypotheses, references or rules"),
        ("wer_high", "another seed, or another number of draws"),
        ("p_adjusted", "another seed, or another number of draws"),
    ],
)
def test_what_differs_is_named_with_a_likely_reason(column, words):
    text = shown(show_reproduced, with_differences(*differing(column)))
    assert f"slices.csv: dimension=accent, slice=0, {column}: claimed 0.1, found 0.2" in text
    assert words in text
    assert "NOT REPRODUCED: 1 of 3,215 cells are not as claimed, in slices.csv." in text


def test_many_differences_are_counted_and_the_first_are_shown():
    text = shown(show_reproduced, with_differences(*differing("hits", 25)))
    assert text.count("claimed 0.1") == 10
    assert "and 15 more: differences.csv" in text


def test_words_of_somebody_s_file_are_shown_and_not_obeyed():
    row = Difference("slices.csv", "slice=\x1b[2J", "note", "\x1b]0;x\x07" + "y" * 500, "")
    text = shown(show_reproduced, replace(with_differences(row), system="\x1b[31mred", disagrees=("\x9b1m",)))
    assert not any(letter in text for letter in "\x1b\x07\x9b")
    assert "found (empty)" in text
    assert len(max(text.splitlines(), key=len)) < 300


def test_versions_are_told_although_nothing_differs():
    text = shown(show_reproduced, replace(FOUND, versions=(VersionDiffers("numpy", "2.4", "2.5"),)))
    assert "numpy 2.5 (claimed with 2.4)" in text
