"""A bundle is the same bytes for the same run, holds what its licence lets, and nobody who withdrew."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from harness.results import Run
from harness.results.ledger import Ledger
from harness.results.releases.budget import FILE
from tests.builders import FEW_RESAMPLES, harness, harness_process, hypothesis_lines
from tests.pipelines.bundles import PEOPLE, PLAIN, bundled, corpus, heard, rescored
from tests.results.bundles.forging import contents
from tests.shared import REPOSITORY


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return rescored(tmp_path_factory.mktemp("made"), *PLAIN)


@pytest.fixture(scope="module")
def bundle(run):
    return bundled(run)


@pytest.fixture
def own(run, tmp_path):
    """Return a copy of the manifest, beside which nothing else lies."""
    (tmp_path / "corpus").mkdir()
    for name in ("manifest.jsonl", "datasheet.yaml"):
        shutil.copy(run.parent / "corpus" / name, tmp_path / "corpus" / name)
    return tmp_path / "corpus" / "manifest.jsonl"


def test_what_is_in_it_is_told_in_it(bundle):
    files = contents(bundle)
    about = json.loads(files.pop("bundle.json"))
    assert {name: told["sha256"] for name, told in about["files"].items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    assert {name: told["bytes"] for name, told in about["files"].items()} == {
        name: len(content) for name, content in files.items()
    }
    readme = files["README.md"].decode()
    assert all(f"`{name}`" in readme for name in files if name != "README.md")
    assert "harness reproduce" in readme
    assert "CC0-1.0 lets them be passed on" in readme


def test_hypotheses_are_as_they_were_heard_and_references_as_they_were_written(run, bundle):
    files = contents(bundle)
    rows = [json.loads(line) for line in files["manifest.jsonl"].splitlines()]
    said = [json.loads(line) for line in (run.parent / "corpus" / "manifest.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == [row["text"] for row in said]
    assert [row["accent"] for row in rows] == [row["accent"] for row in said]
    assert {row["age"] for row in rows} == {"<30", "30-60", ">=60", "undeclared"}
    assert [row["languages"] for row in rows[:5]] == [["undeclared"]] * 4 + [["cy", "en"]]
    texts = {row["utterance_id"]: row["text"] for row in map(json.loads, files["hypotheses/0001.jsonl"].splitlines())}
    kept = {row["utterance_id"]: row["text"] for row in hypothesis_lines(run)}
    assert [texts[row["utterance_id"]] for row in rows] == [kept[row["utterance_id"]] for row in said]


def test_nothing_of_it_tells_whose_machine_or_which_person(run, bundle):
    content = bundle.read_bytes()
    for place in (str(run.parent), str(run), str(Path.home()), os.uname().nodename, "heard.csv", "clips/"):
        if len(place) > 3:
            assert place.encode() not in content
    everything = content.decode("utf-8", "replace")
    assert [name for name in PEOPLE if len(name) > 2 and name in everything] == []


def test_ids_are_kept_where_that_is_chosen(run):
    files = contents(bundled(run, "ids=kept", out="kept.tar"))
    assert json.loads(files["manifest.jsonl"].splitlines()[0])["speaker_id"] == PEOPLE[0]
    assert json.loads(files["hypotheses/0001.jsonl"].splitlines()[0])["utterance_id"] == f"clips/{PEOPLE[0]}-9.wav"


def test_the_same_run_is_the_same_bytes_whoever_bundles_it_and_where(run, bundle, tmp_path):
    copied = tmp_path / "elsewhere" / "another name"
    shutil.copytree(run, copied)
    for name in ("manifest.jsonl", "datasheet.yaml"):
        shutil.copy(run.parent / "corpus" / name, tmp_path / name)
    os.utime(copied / "slices.csv", (1, 1))
    place = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "5", "HOME": str(tmp_path / "nobody")}
    before = os.umask(0o077)
    try:
        process = harness_process(
            "bundle",
            copied,
            "out=again.tar",
            "manifest.path=manifest.jsonl",
            cwd=tmp_path,
            PYTHONPATH=str(REPOSITORY),
            **place,
        )
        _, told = process.communicate(timeout=600)
    finally:
        os.umask(before)
    assert process.returncode == 0, told
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()


@pytest.mark.parametrize(
    ("licence", "option", "is_in"),
    [
        pytest.param("CC-BY-NC-4.0", "auto", False, id="no-commerce"),
        pytest.param("", "auto", False, id="not-stated"),
        pytest.param("ours alone", "include", True, id="owner-s-word"),
    ],
)
def test_references_and_attributes_are_in_it_where_the_licence_or_the_owner_lets_them(tmp_path, licence, option, is_in):
    run = rescored(tmp_path, *PLAIN, license=licence)
    ended = harness("bundle", run, f"references={option}", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    assert ("are in it" if is_in else "are NOT in it") in ended.out
    files = contents(tmp_path / "run.tar")
    assert ({"manifest.jsonl", "datasheet.yaml"} <= set(files)) is is_in
    texts = [json.loads(line)["text"] for line in (tmp_path / "corpus" / "manifest.jsonl").read_text().splitlines()]
    for name in ("README.md", "bundle.json", "run.json", "config.json"):
        assert not any(text.encode() in files[name] for text in texts)


def test_who_withdrew_is_in_no_bundle_and_who_withdraws_later_stops_it(tmp_path):
    manifest = corpus(tmp_path / "corpus")
    (manifest.parent / "withdrawn.txt").write_text("carol\n")
    given = (f"hypotheses={heard(manifest)}", f"manifest.path={manifest}", "run_dir=run", "report.html=false")
    assert harness("rescore", *given, *FEW_RESAMPLES, *PLAIN, cwd=tmp_path).exit_status in (0, 3)
    files = contents(bundled(tmp_path / "run", "ids=kept"))
    assert b"carol" not in b"".join(files.values())
    assert len(files["hypotheses/0001.jsonl"].splitlines()) == 44
    (manifest.parent / "withdrawn.txt").write_text("carol\nDora\n")
    ended = harness("bundle", "run", "out=later.tar", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "withdrew" in ended.err
    assert not (tmp_path / "later.tar").exists()


def test_a_manifest_that_has_changed_is_another_claim(run, own, tmp_path):
    own.write_text(own.read_text().replace("north", "south", 1))
    ended = harness("bundle", run, f"manifest.path={own}", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "is not the manifest that" in ended.err


def test_an_attribute_that_was_guessed_is_refused(run, own, tmp_path):
    sheet = own.parent / "datasheet.yaml"
    content = yaml.safe_load(sheet.read_text())
    content["attributes"]["accent"]["provenance"] = "inferred"
    sheet.write_text(yaml.safe_dump(content))
    ended = harness("bundle", run, f"manifest.path={own}", cwd=tmp_path)
    assert ended.exit_status in (1, 2)
    assert "inferred" in ended.err


def test_tables_that_name_people_need_their_ids(tmp_path):
    run = rescored(tmp_path, *PLAIN, "slices.by=[accent,speaker_id]")
    ended = harness("bundle", run, cwd=tmp_path)
    assert ended.exit_status == 2
    assert "ids=kept" in ended.err
    assert harness("bundle", run, "ids=kept", cwd=tmp_path).exit_status == 0


def test_a_run_that_nobody_could_score_again_is_refused(tmp_path):
    manifest = corpus(tmp_path / "corpus")
    assert harness("plan", f"manifest.path={manifest}", "run_dir=plan", cwd=tmp_path).exit_status == 0
    ended = harness("bundle", "plan", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "a run of harness plan" in ended.err


def test_the_corpus_s_ledger_knows_that_exact_numbers_are_out(run, bundle, own, tmp_path):
    for _ in range(2):
        assert harness("bundle", run, f"manifest.path={own}", cwd=tmp_path).exit_status == 0
    (opened, exact) = Ledger(own.parent / FILE).entries()
    assert (opened.kind, exact.kind) == ("opened", "exact")
    assert exact.content["bundle"] == hashlib.sha256(bundle.read_bytes()).hexdigest()


def test_no_exact_tables_beside_a_private_release(run, own, tmp_path):
    ledger = Ledger(own.parent / FILE)
    ledger.append("opened", {"corpus": "tones", "epsilon": 4.0, "delta": 0.0})
    ledger.append("spent", {"epsilon": 1.0, "delta": 0.0, "secret": "0" * 32})
    ended = harness("bundle", run, f"manifest.path={own}", cwd=tmp_path)
    assert ended.exit_status == 2
    assert "private" in ended.err
    assert not (tmp_path / "run.tar").exists()


@pytest.mark.parametrize("option", ["include", "withhold"])
def test_how_many_rows_are_of_few_people_and_of_one_is_said_in_it_and_on_the_screen(run, own, tmp_path, option):
    """Whatever is done with the references: the tables have every slice."""
    ended = harness("bundle", run, f"manifest.path={own}", f"references={option}", cwd=tmp_path)
    assert ended.exit_status == 0, ended.err
    people = Run.open(run).slices["n_speakers"]
    few, one = int(people.between(1, 4).sum()), int((people == 1).sum())
    assert 0 < one < few
    said = f"of {len(people)} rows of slices.csv, {few} are of fewer than 5 people, the floor of its policy, {one} of"
    assert said in " ".join(ended.out.split())
    assert said in " ".join(contents(tmp_path / "run.tar")["README.md"].decode().split())


def test_a_file_of_another_kind_is_not_overwritten(run, tmp_path):
    (tmp_path / "run.tar").write_text("mine")
    ended = harness("bundle", run, cwd=tmp_path)
    assert ended.exit_status == 2
    assert "another bundle or none" in ended.err
    assert (tmp_path / "run.tar").read_text() == "mine"
    assert harness("bundle", run, "out=claim.zip", cwd=tmp_path).exit_status == 2
    assert harness("bundle", run, "out=nowhere/claim.tar", cwd=tmp_path).exit_status == 1
