"""A manifest in, its description out: what is written, found and refused; the command end to end."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from harness.corpus import Manifest
from harness.errors import StorageError, UsageError
from harness.fairness import DimensionPolicy, Policy
from harness.fairness.described import (
    CONFLICT_COLUMNS,
    DUPLICATE_COLUMNS,
    LEAKAGE_COLUMNS,
    LENGTH_COLUMNS,
    NEXT_COLUMNS,
    OVERLAP_COLUMNS,
    PAIR_COLUMNS,
    SPEAKER_COLUMNS,
    SUPPORT_COLUMNS,
    TOLD_COLUMNS,
    DescribeOptions,
    Redact,
    SameAudio,
)
from harness.fairness.described.support import PLANNED_COLUMNS
from harness.fairness.planning import PlanOptions
from harness.pipelines.describe import describe
from harness.report.described import seen as files
from harness.results import Run
from tests.builders import DECLARED, harness, tone_corpus, tone_rows
from tests.corpus.builders import load, row, self_reported, write_datasheet, write_manifest
from tests.report.described.builders import crowd, described, job_of, page_of, people_of, table_of
from tests.shared import DATA, needs_data

OTHERS = {"config.yaml", "run.json", "summary.json", "report.md", "describe.html"}


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """Return the description of forty people, compared with themselves, with nothing withheld."""
    folder = tmp_path_factory.mktemp("crowded")
    again = row("u-again", speaker_id="secret-1", text="the private words of 1 0", accent="west", gender="male")
    manifest = people_of(folder, [*crowd(), again])
    return described(folder, manifest, against=[manifest], options=DescribeOptions(redact=Redact.nothing))


def test_every_file_is_written_with_its_columns(crowded):
    run = crowded
    assert {path.name for path in run.path.iterdir()} == OTHERS | set(files.TABLES)
    columns = {
        files.PEOPLE: (*SUPPORT_COLUMNS, *PLANNED_COLUMNS), files.ATTRIBUTES: TOLD_COLUMNS,
        files.CONFLICTS: CONFLICT_COLUMNS, files.OVERLAPS: OVERLAP_COLUMNS, files.OVERLAP_PAIRS: PAIR_COLUMNS,
        files.DUPLICATES: DUPLICATE_COLUMNS, files.LEAKAGE: LEAKAGE_COLUMNS, files.LENGTHS: LENGTH_COLUMNS,
        files.SPEAKERS: SPEAKER_COLUMNS, files.NEXT: (*NEXT_COLUMNS, "what"),
    }  # fmt: skip
    assert {name: tuple(table_of(run, name).columns) for name in files.TABLES} == columns
    assert run.finished
    summary = run.summary
    assert (summary["n_utterances"], summary["n_speakers"], summary["words"]) == (81, 40, 81 * 6)
    assert (summary["hours"], summary["n_without_duration"]) == (pytest.approx(160 / 3600), 1)
    assert str(run.path.parent) not in json.dumps(run.facts)


def test_intersections_are_counted_and_not_planned(crowded, tmp_path):
    people = table_of(crowded, files.PEOPLE)
    assert set(people["dimension"]) == {"overall", "accent", "gender", "accent & gender", "language"}
    assert set(people.loc[people["gap_asked"].notna(), "dimension"]) == {"accent", "gender"}
    assert crowded.summary["n_slices"] == 6
    options = DescribeOptions(intersections=1)
    planned = described(tmp_path, people_of(tmp_path, crowd()), by=["accent & gender"], options=options)
    people = table_of(planned, files.PEOPLE)
    assert set(people["dimension"]) == {"overall", "accent & gender", "language"}
    assert set(people.loc[people["gap_asked"].notna(), "dimension"]) == {"accent & gender"}


def test_what_is_there_twice_and_what_leaks_is_found_in_files(tmp_path):
    rng = np.random.default_rng(3)
    noise = lambda _: rng.normal(0, 0.1, 1600).astype(np.float32)  # noqa: E731 - all of one size
    path = tone_corpus(tmp_path / "corpus", tone_rows(n_speakers=3, n_utterances=2), audio_of=noise)
    audio = sorted((tmp_path / "corpus" / "audio").iterdir())
    audio[1].write_bytes(audio[0].read_bytes())
    manifest = Manifest.load(path)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "copy.wav").write_bytes(audio[-1].read_bytes())
    train = load(
        write_manifest(tmp_path / "train", [row("t", audio_filepath="copy.wav", speaker_id="s00", text="x")]),
        require_audio=True,
    )
    options = DescribeOptions(audio=SameAudio.contents)
    run = described(tmp_path, manifest, options=options, against=[train])
    duplicates = table_of(run, files.DUPLICATES).query("kind == 'audio'")
    assert duplicates["utterance_id"].tolist() == [audio[0].stem, audio[1].stem]
    leaks = table_of(run, files.LEAKAGE)
    assert set(zip(leaks["manifest"], leaks["kind"], leaks["first_here"], strict=True)) == {
        ("train/toy.jsonl", "speaker", "00-0"),
        ("train/toy.jsonl", "recording", audio[-1].stem),
    }
    assert run.summary["audio"]["n_files"] == 13
    _, page = page_of(run)
    assert "1 recording is also in train/toy.jsonl" in page
    assert "1 utterance repeats an earlier one: the same bytes under another file name" in page
    by_path = described(tmp_path / "paths", manifest, against=[train])
    assert "recording" not in set(table_of(by_path, files.LEAKAGE)["kind"])


def test_recordings_that_are_not_there_are_counted(tmp_path):
    path = tone_corpus(tmp_path / "corpus")
    for audio in (tmp_path / "corpus" / "audio").iterdir():
        audio.unlink()
    manifest = Manifest.load(path, require_audio=False)
    run = described(tmp_path, manifest, options=DescribeOptions(audio=SameAudio.contents))
    assert run.summary["audio"] == {"compared_by": "contents", "n_files": 40, "n_absent": 40, "n_read": 0}
    assert "40 are not there" in page_of(run)[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"by": ["dialect"]}, r"\['dialect'\] not in manifest toy corpus; it has \['accent', 'gender'\]", id="by"
        ),
        pytest.param({"by": ["accent & age"]}, r"\['accent & age'\] not in manifest", id="crossed"),
        pytest.param(
            {"policy": Policy(dimensions={"age": DimensionPolicy(margin=0.1)})},
            r"policy.dimensions names \['age'\], which are not described",
            id="promise",
        ),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_written(tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        described(tmp_path, people_of(tmp_path, crowd()), **changes)
    assert not (tmp_path / "out").exists()


def test_the_same_job_writes_the_same_tables_and_another_one_is_refused(tmp_path):
    manifest = people_of(tmp_path, crowd(), ("accent",))
    first, second = (describe(job_of(tmp_path / name, manifest)).run.path for name in ("a", "b"))
    for name in (*files.TABLES, "summary.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    with pytest.raises(UsageError, match="made by another command"):
        describe(job_of(first, manifest, against=[manifest]))


def test_a_description_that_is_done_again_and_stopped_has_not_ended(tmp_path, monkeypatch):
    manifest = people_of(tmp_path, crowd(), ())
    run = described(tmp_path, manifest)
    assert described(tmp_path, manifest).finished

    def full(*_):
        raise StorageError("disk full")

    monkeypatch.setattr(Run, "write_table", full)
    with pytest.raises(StorageError):
        described(tmp_path, manifest)
    assert not run.finished
    assert not (run.path / "describe.html").exists()


def test_the_command_describes_the_demo_and_says_what_to_do_next(tmp_path):
    options = ("describe.audio=contents", "describe.intersections=1", "run_dir=out")
    ended = harness("describe", "manifest=demo", *options, cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert "1. age_band: of 8 people (12.5 %) it is not recorded." in ended.out
    assert "384 utterances of 64 people, 0.21 hours, 2,104 words. 0 of 22 slices have people enough" in ended.out
    assert "Run directory: out (begin with describe.html)" in ended.out
    html, page = page_of(Run(tmp_path / "out"))
    assert len(page) < 120_000
    assert html.count('data-chart="') == page.count('class="drawing"')
    overlaps = pd.read_csv(tmp_path / "out" / files.OVERLAPS).set_index(["dimension", "slice"])["share"]
    assert (overlaps["accent"] == 1).all()  # every accent has the same sentences
    assert (overlaps["topic"] == 0).all()  # every topic its own


def test_the_command_finds_what_another_manifest_with_other_columns_has(tmp_path):
    corpus = tone_corpus(tmp_path / "corpus", attributes=DECLARED)
    (tmp_path / "train.csv").write_text("key,sentence,speaker\nx,anything,s00\ny,anything else,s99\n")
    ended = harness(
        "describe", f"manifest.path={corpus}", "against=[train.csv]", "columns.utterance_id=key",
        "columns.text=sentence", "run_dir=out", cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    assert f"1 speaker is also in {tmp_path.name}/train.csv (4 utterances of 1 person here)." in ended.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["manifest.path=nowhere.csv"], r"nowhere\.csv: the manifest cannot be read", id="manifest"),
        pytest.param(["against=[nowhere.csv]"], r"nowhere\.csv: the manifest cannot be read", id="against"),
        pytest.param(["describe.audio=ears"], "audio", id="audio"),
        pytest.param(["describe.intersections=0"], r"describe\.intersections=0; expected 1", id="intersections"),
        pytest.param(["plan.gap=3"], r"plan\.gap=3\.0; expected", id="gap"),
    ],
)
def test_wrong_usage_ends_with_2_and_writes_nothing(tmp_path, arguments, words):
    ended = harness("describe", "manifest=demo", *arguments, cwd=tmp_path)
    assert ended.exit_status == 2
    assert re.search(words, ended.err)
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_whose_audio_is_elsewhere_is_described_without_it_and_not_compared_byte_by_byte(tmp_path, monkeypatch):
    monkeypatch.delenv("FSDD_DIR", raising=False)
    ended = harness("describe", "manifest=fsdd", "run_dir=out", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    compared = harness("describe", "manifest=fsdd", "describe.audio=contents", "run_dir=bytes", cwd=tmp_path)
    assert compared.exit_status == 2
    assert "manifest.audio_root=FSDD_DIR, which is not set: no such folder" in compared.err


@needs_data("artie")
def test_artie_has_the_people_that_its_makers_counted(tmp_path):
    write_datasheet(tmp_path, {name: self_reported() for name in ("accent", "gender", "age")}, undeclared=["NA"])
    shutil.copy(DATA / "artie" / "artie-bias-corpus.tsv", tmp_path / "artie.tsv")
    columns = {"utterance_id": "path", "text": "sentence", "speaker_id": "client_id"}
    run = described(tmp_path, load(tmp_path / "artie.tsv", columns=columns), plan=PlanOptions(gap=0.05))
    assert (run.summary["n_utterances"], run.summary["n_speakers"]) == (1712, 969)
    told = table_of(run, files.ATTRIBUTES).set_index("attribute")
    assert told.loc["accent", ["n_values", "n_speakers_undeclared"]].tolist() == [17, 281]
    record = table_of(run, files.NEXT).query("kind == 'record'")
    enough = record["n_speakers"] >= 5  # the floor of speakers: who is above it is named first
    assert enough.is_monotonic_decreasing
    assert record.loc[enough, "n_more"].is_monotonic_increasing
    assert record.loc[~enough, "n_more"].is_monotonic_increasing
    assert "accent=canada: 23 people now; 229 more people of about 16 words each" in record["what"].str.cat()


@needs_data("edacc")
def test_nobody_in_conversations_is_asked_to_read_what_others_read(tmp_path):
    shutil.copy(DATA / "edacc" / "canary-qwen-2.5b.jsonl", tmp_path / "edacc.jsonl")
    columns = {"utterance_id": "utt_id", "text": "ref_raw", "speaker_id": "speaker"}
    write_datasheet(tmp_path, {"accent": self_reported("accent")})
    run = described(tmp_path, load(tmp_path / "edacc.jsonl", columns=columns))
    assert run.summary["n_speakers"] == 60
    assert "share" not in set(table_of(run, files.NEXT)["kind"])
