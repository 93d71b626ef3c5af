"""A claim is reproduced cell by cell by whoever has its bundle; of one that was changed, what differs is named."""

import csv
import json
import os
import shutil

import pandas as pd
import pytest

from harness.results import Run
from tests.builders import FEW_RESAMPLES, harness, harness_process, tables_but_timings, tone_corpus, tone_rows
from tests.pipelines.bundles import PLAIN, bundled, corpus, reproduced, rescored
from tests.results.bundles.forging import contents, forged, merged, replaced
from tests.shared import DATA, REPOSITORY, needs_data

HEARD, CONFIG, FACTS, SLICES = "hypotheses/0001.jsonl", "config.json", "run.json", "tables/slices.csv"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return rescored(tmp_path_factory.mktemp("made"), *PLAIN)


@pytest.fixture(scope="module")
def bundle(run):
    return bundled(run)


def differences(folder):
    with (folder / "again" / "differences.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_bundle_gives_the_claimed_tables_to_the_last_digit(tmp_path):
    run = rescored(tmp_path)
    ended, found = reproduced(bundled(run), tmp_path)
    assert ended.exit_status == 0, ended.out
    assert "REPRODUCED: all" in ended.out
    assert found["identical"]
    assert set(found["tables"]) == {
        *("slices.csv", "disparities.csv", "normalizers.csv", "adjusted.csv", "metrics.csv", "summary.json")
    }
    for name in set(found["tables"]) - {"summary.json"}:
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()
    assert Run.open(tmp_path / "again").facts["reproduced"]["bundle"] == found["digest"]


def test_codes_in_the_place_of_ids_change_no_number(run, bundle, tmp_path):
    kept = bundled(run, "ids=kept", out="kept.tar")
    ended, _ = reproduced(kept, tmp_path)
    assert ended.exit_status == 0
    with_ids = tables_but_timings(tmp_path / "again")
    assert with_ids == tables_but_timings(run)  # ids of utterances and speakers among them
    shutil.rmtree(tmp_path / "again")
    reproduced(bundle, tmp_path)
    scores, coded = (pd.read_parquet(path / "scores.parquet") for path in (run, tmp_path / "again"))
    assert coded.drop(columns=["utterance_id", "speaker_id"]).equals(
        scores.drop(columns=["utterance_id", "speaker_id"])
    )


def test_it_is_reproduced_in_another_place_by_somebody_else(bundle, tmp_path):
    sent = tmp_path / "sent"
    sent.mkdir()
    shutil.copy(bundle, sent / "claim.tar")
    (sent / "claim.tar").chmod(0o444)
    sent.chmod(0o555)
    (tmp_path / "here").mkdir()
    place = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "77", "HOME": "/nonexistent"}
    before = os.umask(0o077)
    try:
        process = harness_process(
            "reproduce", "../sent/claim.tar", cwd=tmp_path / "here", PYTHONPATH=str(REPOSITORY), **place
        )
        out, err = process.communicate(timeout=600)
    finally:
        os.umask(before)
        sent.chmod(0o755)
    assert process.returncode == 0, err
    assert "identical to what is claimed" in out
    assert [path.name for path in sent.iterdir()] == ["claim.tar"]


def test_what_was_made_anew_can_be_used_as_any_run(bundle, tmp_path):
    reproduced(bundle, tmp_path)
    for command in (
        ["report", "again", "report.redact=[speakers]"],
        ["compare", "baseline=again", "candidate=again", "run_dir=compared"],
        ["history", "runs=again"],
    ):
        ended = harness(*command, cwd=tmp_path)
        assert ended.exit_status in (0, 3), ended.err
    assert (tmp_path / "again" / "report.html").is_file()


def test_without_references_somebody_s_own_copy_of_the_corpus_does(tmp_path):
    run = rescored(tmp_path, *PLAIN, "stem_ids=true", license="CC-BY-NC-4.0")
    bundle = bundled(run)
    ended, _ = reproduced(bundle, tmp_path)
    assert ended.exit_status == 1
    assert "manifest.path=" in ended.err
    rows = [json.loads(line) for line in corpus(tmp_path / "own").read_text(encoding="utf-8").splitlines()]
    table = pd.DataFrame(rows).rename(columns={"text": "sentence"})
    table["languages"] = ["|".join(cell) if isinstance(cell, list) else cell for cell in table["languages"]]
    table.to_csv(tmp_path / "own" / "own.csv", index=False)  # another format, other names
    own = ("manifest.path=own/own.csv", "manifest.columns.text=sentence")
    ended, found = reproduced(bundle, tmp_path, *own)
    assert (ended.exit_status, found["identical"]) == (0, True), ended.err + ended.out
    shutil.rmtree(tmp_path / "again")
    table["sentence"] = [*table["sentence"][:-1], "something else"]
    table.to_csv(tmp_path / "own" / "own.csv", index=False)
    ended, _ = reproduced(bundle, tmp_path, *own)
    assert ended.exit_status == 1
    assert "other utterances or references" in ended.err


def next_digit(column):
    """Return a change of the fourth digit of a number in the first row."""

    def change(content):
        header, first, *rows = content.decode().splitlines(keepends=True)
        cells = first.split(",")
        place = header.split(",").index(column)
        number = cells[place]
        cells[place] = f"{number[:5]}{(int(number[5:6] or 0) + 1) % 10}{number[6:]}"
        return "".join([header, ",".join(cells), *rows]).encode()

    return change


@pytest.mark.parametrize(
    ("changes", "named", "words"),
    [
        pytest.param(
            {"tables/disparities.csv": next_digit("wer")},
            ("disparities.csv", "dimension=accent, slice=south, comparator=rest", "wer"),
            "Counts or rates differ",
            id="a-digit-of-a-table",
        ),
        pytest.param(
            {HEARD: replaced('"text": "', '"text": "nothing ')},
            ("slices.csv", "dimension=overall, slice=all", "insertions"),
            "Counts or rates differ",
            id="a-word-of-a-hypothesis",
        ),
        pytest.param(
            {CONFIG: merged(seed=1), FACTS: merged(seed=1)},
            ("slices.csv", "dimension=overall, slice=all", "wer_low"),
            "Counts and rates are the same",
            id="another-seed",
        ),
        pytest.param(
            {CONFIG: merged(seed=1)},
            ("slices.csv", "dimension=overall, slice=all", "wer_low"),
            "Its facts name the seed 0, its configuration 1",
            id="another-seed-than-its-facts",
        ),
        pytest.param(
            {CONFIG: merged(normalizer={"_target_": "harness.scoring.normalization.Verbatim"})},
            ("slices.csv", "dimension=overall, slice=all", "substitutions"),
            "Normalised by other rules: claimed by_language",
            id="another-normaliser",
        ),
        pytest.param(
            {"tables/summary.json": replaced('"n_failed": 0', '"n_failed": 2')},
            ("summary.json", "n_failed", "value"),
            "summary.json",
            id="the-headline",
        ),
        pytest.param(
            {CONFIG: merged(slices={"by": ["accent"], "intersections": 1})},
            ("slices.csv", "dimension=age, slice=<30", ""),
            "other dimensions",
            id="other-slices",
        ),
    ],
)
def test_a_claim_that_was_changed_is_not_reproduced_and_what_differs_is_named(bundle, tmp_path, changes, named, words):
    ended, found = reproduced(forged(bundle, tmp_path / "forged.tar", changes), tmp_path)
    assert ended.exit_status == 3, ended.err + ended.out
    assert "NOT REPRODUCED" in ended.out
    assert words in ended.out
    assert not found["reproduced"]
    assert named in {(each["file"], each["row"], each["column"]) for each in differences(tmp_path)}
    assert named[0] in ended.out


def test_other_versions_are_told_although_nothing_differs(bundle, tmp_path):
    sent = forged(
        bundle, tmp_path / "sent.tar", {FACTS: merged(python="2.7", versions={"numpy": "0.1", "no-such": "1"})}
    )
    ended, found = reproduced(sent, tmp_path)
    assert ended.exit_status == 0
    assert [each["name"] for each in found["versions"]] == ["python", "numpy"]
    assert "numpy" in ended.out


def test_a_last_mile_test_is_reproduced_with_its_conditions(tmp_path):
    manifest = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=5, n_utterances=2))
    (tmp_path / "terms.csv").write_text("term,weight\nzero,2\nseven,1\n")
    (tmp_path / "mine.csv").write_text("spelling,standard,variety,source\nnought,zero,mine,me\n")
    before = (
        "backend=tones",
        f"manifest.path={manifest}",
        "report.html=false",
        *FEW_RESAMPLES,
        *PLAIN,
        "cache.enabled=false",
    )
    here = ("terms=terms.csv", "spellings=mine.csv", "beside=before", "condition=[noise_white]", "wer=0.3")
    noise = "conditions.noise_white.snr_db=[10,-10]"
    assert harness("benchmark", *before, "run_dir=before", cwd=tmp_path).exit_status in (0, 3)
    ended = harness("last_mile", *before, *here, noise, "run_dir=run", cwd=tmp_path)
    assert ended.exit_status in (0, 3, 4), ended.err
    for name in ("terms.csv", "mine.csv", "before"):
        (tmp_path / name).rename(tmp_path / f"moved_{name}")
    ended = harness("bundle", "run", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "is not there any more" in ended.err
    moved = ("terms=moved_terms.csv", "spellings=moved_mine.csv", "beside=moved_before")
    ended = harness("bundle", "run", *moved, cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    (tmp_path / "other.csv").write_text("term,weight\none,1\n")
    ended = harness("bundle", "run", *moved[1:], "terms=other.csv", "out=other.tar", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "is not the list of terms that the run was made with" in ended.err
    ended, found = reproduced("run.tar", tmp_path)
    assert (ended.exit_status, found["identical"]) == (0, True), ended.out
    assert {"conditions.csv", "extra_harm.csv", "crossings.csv", "placed.csv", "terms.csv"} <= set(found["tables"])
    shutil.rmtree(tmp_path / "again")
    first = contents(tmp_path / "run.tar")["tables/extra_harm.csv"].decode().splitlines()[1]
    changed = {"tables/extra_harm.csv": replaced(first, first.replace("0.", "9.", 1))}
    ended, _ = reproduced(forged(tmp_path / "run.tar", tmp_path / "forged.tar", changed), tmp_path)
    assert ended.exit_status == 3
    assert "extra_harm.csv" in ended.out


@needs_data("artie")
def test_real_transcripts_of_a_real_corpus_are_reproduced(tmp_path):
    artie = DATA / "artie"
    imported = harness("import_corpus", "format=artie", f"source={artie}", "out=corpus", cwd=tmp_path)
    assert imported.exit_status == 0, imported.err
    heard = (
        f"hypotheses={artie / 'predictions' / 'amazon_en-US.tsv'}",
        "columns.utterance_id=path",
        "columns.text=prediction",
    )
    given = ("manifest.path=corpus/manifest.jsonl", "stem_ids=true", "run_dir=run", "report.html=false")
    ended = harness("rescore", *heard, *given, *FEW_RESAMPLES, *PLAIN, cwd=tmp_path)
    assert ended.exit_status in (0, 3), ended.err
    assert harness("bundle", "run", cwd=tmp_path).exit_status == 0
    ended, found = reproduced("run.tar", tmp_path)
    assert (ended.exit_status, found["identical"]) == (0, True), ended.out
