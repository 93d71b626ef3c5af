"""A shared folder holds aggregates over enough people in named files and columns, and nothing of what was said."""

import csv
import errno
import hashlib
import json
import os
import subprocess

import pandas as pd
import pytest
import yaml

from harness.errors import RunDirectoryError, StorageError, UsageError
from harness.pipelines.job import SliceOptions
from harness.results import Run
from harness.results.run import CONFIG, FACTS, SCORES, SUMMARY
from harness.results.sharing import share_aggregate
from tests.report.builders import finished_run

NAMES = ("ada", "bea", "cem", "dov", "eva")
KEPT = ["README.md", "SHA256SUMS", "config.yaml", "disparities.csv", "hidden.csv", "metrics.csv", "normalizers.csv",
        "run.json", "slices.csv", "speed.csv", "summary.json"]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Four accents, one of two people; gender across them, not told by some."""
    folder = tmp_path_factory.mktemp("share")
    accents = ("north", "south", "east", "west")
    ids = [f"s{accent}{speaker}" for accent in range(4) for speaker in range(5)]
    genders = {"gender": {name: ("female", "male", "")[n % 7 // 3] for n, name in enumerate(ids)}}
    declared = {"accent": {"kind": "accent", "provenance": "self_reported"},
                "gender": {"kind": "demographic", "provenance": "self_reported"}}  # fmt: skip
    return finished_run(
        folder,
        accents,
        deaf_to=["south"],
        few=["west"],
        failed=["00-1"],
        by_speaker=genders,
        attributes=declared,
        slices=SliceOptions(intersections=2),
    )


@pytest.fixture
def copy(run, tmp_path):
    """Return a copy of the run that a test may change."""
    path = tmp_path / "run"
    path.mkdir()
    for file in run.path.iterdir():
        if file.is_file():
            (path / file.name).write_bytes(file.read_bytes())
    return Run(path)


def table(folder, name):
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def everything(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def changed(run, name, change):
    """Rewrite a JSON file of a run."""
    content = json.loads((run.path / name).read_text())
    change(content)
    (run.path / name).write_text(json.dumps(content))


SECRET = ("speaker_id", "utterance_id", "reference", "hypothesis")


def with_secrets(run):
    """Give every speaker, utterance and text of a run words of their own, so that they can be looked for."""
    scores = run.scores
    people = {name: f"Zdenka-{n:03d}" for n, name in enumerate(scores["speaker_id"].unique())}
    scores["speaker_id"] = scores["speaker_id"].map(people)
    for column in ("utterance_id", "reference", "hypothesis"):
        scores[column] = [f"{column}-secret-{n}" for n in range(len(scores))]
    scores.to_parquet(run.path / SCORES, index=False)
    return scores


def test_no_byte_of_a_share_is_of_an_utterance_a_speaker_or_a_path(copy, tmp_path):
    scores = with_secrets(copy)
    for name in ("slices.csv", "disparities.csv", "normalizers.csv"):
        path = copy.path / name
        path.write_text(path.read_text().replace("speakers against", "speakers such as Zdenka-001 against"))

    def tell(facts):
        facts["manifest"] |= {"name": "St Mary ward 3", "description": "reference-secret-1", "license": "Zdenka-003"}
        facts["backend"] |= {"prompt": "Zdenka-002 said", "name": "/home/zdenka/model.pt", "model": "models\\zdenka"}
        facts["platform"] = "zdenka-laptop"
        facts["fingerprint"] = {"config.manifest.path": str(tmp_path)}

    changed(copy, FACTS, tell)
    changed(copy, SUMMARY, lambda summary: summary["notes"].append("speaker_id has Zdenka-001, zdenka-001"))
    config = {
        "manifest": {"path": str(copy.path)},
        "conditions": {"kitchen": {"recording": "/home/zdenka/kitchen.wav", "snr_db": 10}},
    }
    (copy.path / CONFIG).write_text(yaml.safe_dump(config | {"policy": {"name": "Zdenka", "margin": 0.03}}))
    share_aggregate(copy, tmp_path / "out")
    found_files = everything(tmp_path / "out")
    written = b"\n".join([*found_files.values(), *(name.encode() for name in found_files)])
    private = (
        "zdenka",
        "secret",
        "St Mary",
        str(tmp_path),
        str(copy.path),
        "kitchen.wav",
        "/home",
        os.uname().nodename,
    )
    secrets = {*private, *(text for name in SECRET for text in scores[name])}
    found = {secret for secret in secrets if secret.lower().encode() in written.lower()}
    assert found == set()
    assert yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())["conditions"] == {"kitchen": {"snr_db": 10}}


def test_a_share_has_the_files_that_are_listed_and_their_digests(run, tmp_path):
    shared = share_aggregate(run, tmp_path / "out")
    assert set(shared.files) == set(everything(tmp_path / "out")) <= set(KEPT)
    lines = (tmp_path / "out" / "SHA256SUMS").read_text().splitlines()
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in everything(tmp_path / "out").items()}
    assert {name: digest for digest, name in (line.split("  ") for line in lines)} == {
        name: digest for name, digest in digests.items() if name != "SHA256SUMS"
    }
    assert (
        subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "out", check=False).returncode == 0
    )


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    share_aggregate(run, tmp_path / "a")
    share_aggregate(run, tmp_path / "b")
    assert everything(tmp_path / "a") == everything(tmp_path / "b")


def test_slices_of_few_people_are_neither_counted_nor_named(run, tmp_path):
    shared = share_aggregate(run, tmp_path / "out")
    assert all(int(row["n_speakers"]) >= 5 for row in table(tmp_path / "out", "slices.csv"))
    assert b"west" not in b"".join(everything(tmp_path / "out").values())
    hidden = {row["dimension"]: int(row["n_hidden"]) for row in table(tmp_path / "out", "hidden.csv")}
    assert hidden["accent"] >= 2  # west, and another, or west would be the rest
    assert sum(hidden.values()) == shared.n_hidden


def test_what_is_shown_adds_up_to_nothing_that_is_hidden(run, tmp_path):
    """Read nothing but the shared files: no set of shown slices leaves fewer than five people of a dimension."""
    share_aggregate(run, tmp_path / "out")
    rows = table(tmp_path / "out", "slices.csv")
    everybody = next(int(row["n_speakers"]) for row in rows if row["dimension"] == "overall")
    for dimension in ("accent", "gender"):
        left = everybody - sum(int(row["n_speakers"]) for row in rows if row["dimension"] == dimension)
        assert left == 0 or left >= 5
    for part, position in (("accent", 0), ("gender", 1)):
        for row in rows:
            if row["dimension"] == part:
                inside = [
                    r
                    for r in rows
                    if r["dimension"] == "accent & gender" and r["slice"].split(" & ")[position] == row["slice"]
                ]
                left = int(row["n_speakers"]) - sum(int(each["n_speakers"]) for each in inside)
                assert left == 0 or left >= 5


def test_shown_counts_are_the_run_s_and_rates_are_rounded(run, tmp_path):
    share_aggregate(run, tmp_path / "out")
    ours = run.slices.set_index(["dimension", "slice"])
    rows = table(tmp_path / "out", "slices.csv")
    assert rows
    for row in rows:
        theirs = ours.loc[(row["dimension"], row["slice"])]
        assert int(row["deletions"]) == theirs["deletions"]
        assert float(row["wer"]) == pytest.approx(theirs["wer"], abs=0.0005)
        assert len(row["wer"].partition(".")[2]) <= 3


def test_a_hidden_comparison_leaves_the_verdict_and_no_number(run, tmp_path):
    share_aggregate(run, tmp_path / "out")
    rows = table(tmp_path / "out", "disparities.csv")
    blank = [row for row in rows if not row["comparator"]]
    assert blank
    assert all(not row[name] for row in blank for name in ("comparator_wer", "gap", "p_value", "ratio_low"))
    assert all(row["verdict"] for row in rows)


def test_tables_and_columns_that_are_not_listed_do_not_leave(copy, tmp_path):
    copy.slices.assign(worst_utterance="leak", owner="leak").to_csv(copy.path / "slices.csv", index=False)
    for name in ("new_table.csv", "term_list.csv", "examples.csv", "changed.jsonl", "adjusted.csv"):
        (copy.path / name).write_text("dimension,slice\noverall,leak\n")
    shared = share_aggregate(copy, tmp_path / "out")
    assert "adjusted.csv" not in shared.files
    assert b"leak" not in b"".join(everything(tmp_path / "out").values())


def test_the_tables_of_conditions_and_terms_are_held_to_the_same_cells(copy, tmp_path):
    counted = ["n_utterances", "n_speakers", "n_failed", "reference_words", "hits", "deletions"]
    keys = copy.slices[["dimension", "slice", *counted]]
    texts = {"comparator": "rest", "verdict": "inconclusive", "reason": "leak", "note": "leak; never above"}
    rates = {"wer": 0.123456, "comparator_wer": 0.2, "gap": -0.076544, "rate": 0.1, "comparator_rate": 0.3}
    harms = {"extra_harm": 0.01, "comparator_harm": 0.05, "harm": 0.06, "clean_wer": 0.1}
    wide = keys.assign(**texts, **rates, **harms, n_spans=keys["n_utterances"] * 2)
    wide = wide.assign(
        condition="kitchen_10db", sweep="kitchen", parameter="snr_db", level=10.0, crossing=7.25, measure="keyword_wer"
    )
    for name in ("conditions.csv", "extra_harm.csv", "crossings.csv", "terms.csv"):
        wide.to_csv(copy.path / name, index=False)
    share_aggregate(copy, tmp_path / "out")
    shown = {(row["dimension"], row["slice"]) for row in table(tmp_path / "out", "slices.csv")}
    for name in ("conditions.csv", "extra_harm.csv", "crossings.csv", "terms.csv"):
        rows = table(tmp_path / "out", name)
        assert {(row["dimension"], row["slice"]) for row in rows} == shown, name
    assert all(
        row["comparator_harm"] == "" for row in table(tmp_path / "out", "extra_harm.csv") if not row["comparator"]
    )
    assert {row["note"] for row in table(tmp_path / "out", "crossings.csv")} == {"never above"}
    assert b"leak" not in b"".join(everything(tmp_path / "out").values())


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        pytest.param("always above 20 %: at least 25 % at every snr_db measured, 0 to 20", "always above", id="always"),
        pytest.param("the monotone curve is never above 20 %", "the monotone curve is never above", id="monotone"),
        pytest.param("no crossing: WER neither rises nor falls steadily with leak", "no crossing", id="unsteady"),
        pytest.param("no upper end: other such speakers may be always above 20 %; low_support", "", id="of-others"),
    ],
)
def test_of_the_note_on_a_crossing_only_what_is_said_of_the_slice_is_shared(copy, tmp_path, note, shown):
    keys = copy.slices[["dimension", "slice"]].assign(sweep="kitchen", parameter="snr_db", wer=0.2, crossing=7.0)
    keys.assign(note=note).to_csv(copy.path / "crossings.csv", index=False)
    share_aggregate(copy, tmp_path / "out")
    assert {row["note"] for row in table(tmp_path / "out", "crossings.csv")} == {shown}


@pytest.mark.parametrize(
    "value", ["=cmd|' /C calc'!A0", "@SUM(A1)", "+A1", "-A1", 'quote " and , comma', "line\nbreak"]
)
def test_a_hostile_slice_name_is_a_text_in_every_program(copy, tmp_path, value):
    for name in ("slices.csv", "disparities.csv", "metrics.csv", "normalizers.csv"):
        path = copy.path / name
        if path.is_file():
            frame = pd.read_csv(path, keep_default_na=False, dtype=str)
            frame["slice"] = frame["slice"].replace("north", value)
            frame.to_csv(path, index=False)
    scores = copy.scores
    scores["accent"] = scores["accent"].replace("north", value)
    scores.to_parquet(copy.path / SCORES, index=False)
    share_aggregate(copy, tmp_path / "out")
    names = {row["slice"] for row in table(tmp_path / "out", "slices.csv")}
    assert not any(name[:1] in "=@+" or name.startswith("-A") for name in names)


def test_the_headline_names_no_hidden_slice(copy, tmp_path):
    def tell(summary):
        west = {"dimension": "accent", "slice": "west", "comparator": "rest", "verdict": "disparity", "reason": "leak"}
        summary |= {"worst_slice": west, "max_gap": west, "violations": [west], "policy": "leak"}

    changed(copy, SUMMARY, tell)
    share_aggregate(copy, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (told["worst_slice"], told["max_gap"], told["violations"]) == (None, None, [])


def test_a_share_says_what_it_does_not_protect_from(run, tmp_path):
    share_aggregate(run, tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    for words in (
        "This is not differential privacy",
        "fewer than **5 speakers**",
        "Several shares",
        "no audio, no transcripts",
    ):
        assert words in text


def test_a_share_says_who_says_so_of_what_it_shows(run, tmp_path):
    share_aggregate(run, tmp_path / "out")
    text = " ".join((tmp_path / "out" / "README.md").read_text().split())
    told = run.facts["manifest"]["attributes"]
    shown = {row["dimension"] for row in table(tmp_path / "out", "slices.csv")} & set(told)
    assert shown
    assert all(f"{name}: {told[name]['provenance'].replace('_', '-')}" in text for name in shown)


def test_the_policy_s_floor_counts_and_may_be_raised_and_not_lowered(copy, tmp_path):
    changed(copy, FACTS, lambda facts: facts["policy"].update(min_speakers=7))
    assert share_aggregate(copy, tmp_path / "a").min_speakers == 7
    assert share_aggregate(copy, tmp_path / "b", min_speakers=10).min_speakers == 10
    with pytest.raises(UsageError, match="min_speakers=4; expected at least 5"):
        share_aggregate(copy, tmp_path / "c", min_speakers=4)


@pytest.mark.parametrize("kind", ["file", "full", "link"])
def test_a_folder_that_holds_something_is_refused(run, tmp_path, kind):
    out = tmp_path / "out"
    if kind == "file":
        out.touch()
    elif kind == "full":
        out.mkdir()
        (out / "audio.wav").touch()
    else:
        (tmp_path / "elsewhere").mkdir()
        out.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="not an empty folder"):
        share_aggregate(run, out)


def test_an_empty_folder_is_filled_and_the_run_s_own_is_refused(run, tmp_path):
    (tmp_path / "out").mkdir()
    assert "README.md" in share_aggregate(run, tmp_path / "out").files
    with pytest.raises(UsageError, match="the run's own folder"):
        share_aggregate(run, run.path / "share")


def test_a_share_is_whole_or_not_there(run, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        share_aggregate(run, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_speakers_is_not_shared(copy, tmp_path):
    copy.scores.assign(speaker_id=None).to_parquet(copy.path / SCORES, index=False)
    with pytest.raises(UsageError, match="no utterance has a speaker id"):
        share_aggregate(copy, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(CONFIG, "a: [", id="config"),
        pytest.param("slices.csv", "", id="table"),
        pytest.param(SCORES, "x", id="scores"),
    ],
)
def test_a_damaged_run_is_named_and_nothing_is_left(copy, tmp_path, name, content):
    (copy.path / name).write_text(content)
    with pytest.raises(RunDirectoryError):
        share_aggregate(copy, tmp_path / "out")
    assert not (tmp_path / "out").exists()
