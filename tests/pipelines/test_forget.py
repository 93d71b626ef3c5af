"""`harness forget` leaves nothing of a person, says what it cannot change, and leaves everybody else as they were."""

import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from harness.provenance import digest_of_file
from harness.results import Run
from harness.results.baselines import CellKey, blessed_run
from harness.results.forgetting.marker import MARKER
from harness.results.ledger import Ledger
from tests.builders import harness_process
from tests.pipelines.forgetting import OTHER, QUICK, SAID, WHO, Home, corpus, everything, naming, scores_of, transcripts

WHERE = "where=[runs,baselines]"
KEPT = ("slices.csv", "disparities.csv", "metrics.csv", "adjusted.csv", "normalizers.csv", "terms.csv", "term_list.csv")


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """Return a corpus and all that was made of it."""
    home = corpus(tmp_path_factory.mktemp("used") / "home")
    everything(home)
    return home


@pytest.fixture(scope="module")
def forgotten(used, tmp_path_factory):
    """Return the same, and what forgetting somebody in it said."""
    home = Home(tmp_path_factory.mktemp("forgotten") / "home")
    shutil.copytree(used.path, home.path)
    return home, home.forget(WHERE, "apply=true")


@pytest.fixture
def scored(tmp_path):
    """Return a corpus with one run of it."""
    home = corpus(tmp_path / "home")
    transcripts(home)
    rescore(home, "runs/scored")
    return home


def rescore(home, run_dir, *words):
    source = ("manifest.path=corpus/manifest.jsonl", "hypotheses=heard.jsonl", f"run_dir={run_dir}")
    return home.made("rescore", *source, *QUICK, *words)


def tree(folder):
    """Return the digest of every file below a folder."""
    return {path.relative_to(folder): digest_of_file(path) for path in folder.rglob("*") if path.is_file()}


def without(run):
    scores = scores_of(run)
    return scores[scores["speaker_id"] != WHO].reset_index(drop=True)


def test_what_would_be_done_is_told_and_nothing_is(used):
    before = tree(used.path)
    ended = used.forget(WHERE)
    assert ended.exit_status == 0
    assert {path for path in before if path not in tree(used.path)} == set()
    assert all(digest == before[path] for path, digest in tree(used.path).items() if "cache" not in path.parts)
    for place in ("runs/heard", "runs/mile", "runs/audited", "runs/half", "runs/measured", "runs/claim.tar"):
        assert place in ended.out
    assert "apply=true" in ended.out
    assert WHO not in ended.out + ended.err


def test_the_person_was_everywhere_before(used):
    texts = raw_texts(used)
    found = {name.partition("/")[0] for name in naming(used.path / "runs", WHO, *texts)}
    everywhere = {"heard", "mile", "scored", "people", "compared", "described", "measured", "audited", "exported"}
    assert found >= everywhere | {"for_lhotse", "claim.tar", "cached.jsonl", "half", "night.log"}
    assert naming(used.path / "baselines", WHO)
    assert naming(used.path / "cache", *texts) == ["transcripts.sqlite", "transcripts.sqlite.damaged-1"]


def raw_texts(home):
    """Return what they said and what was heard of them, as written and as normalised."""
    scores = scores_of(home.path / "runs/scored")
    theirs = scores[scores["speaker_id"] == WHO]
    return {*SAID, *theirs["reference"], *theirs["hypothesis"]}


def test_nothing_that_was_searched_has_their_ids_or_words(used, forgotten):
    home, ended = forgotten
    assert ended.exit_status == 0, ended.out
    for folder in ("runs", "baselines", "cache"):
        assert naming(home.path / folder, WHO, *raw_texts(used)) == []
    assert WHO not in ended.out + ended.err


@pytest.mark.parametrize("name", ["heard", "mile", "scored", "people"])
def test_everybody_else_is_as_they_were(used, forgotten, name):
    home, _ = forgotten
    pd.testing.assert_frame_equal(scores_of(home.path / "runs" / name), without(used.path / "runs" / name))


@pytest.mark.parametrize("name", ["heard", "mile", "scored", "people"])
def test_a_run_says_that_its_numbers_changed(forgotten, name):
    run = Run.open(forgotten[0].path / "runs" / name)
    (told,) = run.facts["forgotten"]
    assert (told["n_speakers"], told["n_utterances"]) == (1, 2)
    assert any("1 person was forgotten" in note for note in run.summary["notes"])
    assert run.facts["manifest"]["withdrawn"] == {"n_speakers": 1, "n_utterances": 2}
    assert run.facts["n_rows_in"] == run.scores["utterance_id"].nunique()
    assert "forgotten" in (run.path / "report.md").read_text()


def test_a_run_is_what_scoring_it_without_them_makes(forgotten):
    home, _ = forgotten
    source = ("manifest.path=corpus/manifest.jsonl", "hypotheses=heard.jsonl", "terms=terms.csv")
    options = [option for option in QUICK if option.startswith("policy")]
    quiet = ("evidence.adjusted=false", "evidence.metrics=false", "report.html=false")
    home.made("rescore", *source, *options, *quiet, "run_dir=fresh/scored")
    for name in KEPT:
        made, fresh = (home.path / folder / "scored" / name for folder in ("runs", "fresh"))
        assert made.is_file() == fresh.is_file()
        assert not fresh.is_file() or made.read_bytes() == fresh.read_bytes(), name


def test_the_command_that_made_a_run_goes_on_with_it(forgotten):
    home, _ = forgotten
    before = scores_of(home.path / "runs/people")
    rescore(home, "runs/people", "slices.by=[speaker_id]")
    pd.testing.assert_frame_equal(scores_of(home.path / "runs/people"), before)


def test_a_baseline_is_blessed_as_it_is_now(forgotten):
    home, _ = forgotten
    (blessing,) = (home.path / "baselines").glob("*/*/blessing.json")
    key = json.loads(blessing.read_text())["key"]
    found = blessed_run(CellKey(**key), home.path / "baselines")
    assert found is not None
    assert WHO not in set(found.run.scores["speaker_id"])
    assert {path.name for path in blessing.parent.iterdir()} == {
        *("blessing.json", "config.yaml", "run.json"),
        *("scores.parquet", "slices.csv", "disparities.csv", "summary.json"),
    }


def test_later_runs_leave_them_out(forgotten):
    home, _ = forgotten
    assert (home.path / "corpus/withdrawn.txt").read_text() == f"{WHO}\n"


def test_what_is_written_down_names_nobody(forgotten):
    home, _ = forgotten
    begun, done = Ledger(home.path / "runs/forgotten.jsonl").entries()
    assert (begun.kind, done.kind) == ("begun", "forgotten")
    assert done.content["n_left"] == 0
    assert "scored" in done.content["places"]
    assert "people" not in done.content
    assert WHO not in done.line + begun.line


def test_what_is_not_the_harness_s_to_change_is_named(forgotten):
    home, ended = forgotten
    for place in ("heard.jsonl", "runs/card/service_card.json", "runs/found", "corpus/manifest.jsonl"):
        assert place in ended.out
    assert WHO in (home.path / "corpus/manifest.jsonl").read_text()


def test_the_same_command_again_changes_nothing(forgotten, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(forgotten[0].path, home.path)
    before = tree(home.path)
    ended = home.forget(WHERE, "apply=true")
    assert ended.exit_status == 0
    after = tree(home.path)
    assert {path for path in after if after[path] != before.get(path) and "cache" not in path.parts} == set()


def test_a_measured_manifest_can_be_measured_on(forgotten):
    home, _ = forgotten
    lines = (home.path / "runs/measured/manifest.jsonl").read_text().splitlines()
    measured = (home.path / "runs/measured/measurements.jsonl").read_text().splitlines()
    assert [json.loads(line)["utterance_id"] for line in lines] == [
        json.loads(line)["utterance_id"] for line in measured
    ]
    assert home.made("measure", "manifest.path=corpus/manifest.jsonl", "out=runs/again").exit_status == 0


def test_an_id_of_two_corpora_is_two_people_until_somebody_says_so(scored, tmp_path):
    other = corpus(tmp_path / "other")
    manifest = other.path / "corpus/manifest.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    told = [json.dumps(row | {"utterance_id": f"else-{row['utterance_id']}"}) for row in rows]
    manifest.write_text("\n".join(told) + "\n")
    sheet = other.path / "corpus/datasheet.yaml"
    sheet.write_text(sheet.read_text().replace("name: tones", "name: elsewhere"))
    heard = [json.dumps({"utterance_id": f"else-{row['utterance_id']}", "text": row["text"]}) for row in rows]
    (other.path / "heard.jsonl").write_text("\n".join(heard) + "\n")
    rescore(other, scored.path / "runs/elsewhere")
    before = tree(scored.path)
    refused = scored.forget("where=runs", "apply=true")
    assert refused.exit_status == 2
    assert "elsewhere" in refused.err
    assert tree(scored.path) == before
    done = scored.forget("where=runs", "corpus=tones", "apply=true")
    assert done.exit_status == 0, done.err
    assert WHO not in set(scores_of(scored.path / "runs/scored")["speaker_id"])
    assert WHO in set(scores_of(scored.path / "runs/elsewhere")["speaker_id"])
    assert scored.forget("where=runs", "corpus=nowhere").exit_status == 2


def test_where_the_manifest_is_gone_the_scores_are_enough(scored):
    rescore(scored, "runs/more", "evidence.sensitivity=true")
    shutil.rmtree(scored.path / "corpus")
    before = without(scored.path / "runs/more")
    ended = scored.forget("where=runs", "apply=true")
    assert ended.exit_status == 0, ended.out
    run = Run.open(scored.path / "runs/more")
    pd.testing.assert_frame_equal(run.scores, before)
    assert not (run.path / "normalizers.csv").exists()
    assert any("normalizers.csv could not be made anew" in note for note in run.summary["notes"])
    assert naming(scored.path / "runs", WHO, *SAID) == []


def test_a_run_that_cannot_be_judged_without_them_keeps_no_number(scored):
    """Their accent was its own comparator."""
    manifest = scored.path / "corpus/manifest.jsonl"
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    told = [json.dumps(row | ({"accent": "west"} if row["speaker_id"] == WHO else {})) for row in rows]
    manifest.write_text("\n".join(told) + "\n")
    rescore(scored, "runs/west", "policy.comparator=west")
    ended = scored.forget("where=runs", "apply=true")
    assert ended.exit_status == 0, ended.out
    assert "could not be made anew and are gone" in ended.out
    run = scored.path / "runs/west"
    assert not (run / "slices.csv").exists()
    assert json.loads((run / "run.json").read_text())["forgotten"]
    assert naming(run, WHO, *SAID) == []


def test_a_run_of_nobody_else_is_gone(tmp_path):
    home = corpus(tmp_path / "home")
    manifest = home.path / "corpus/manifest.jsonl"
    manifest.write_text("".join(line for line in manifest.read_text().splitlines(keepends=True) if WHO in line))
    transcripts(home)
    rescore(home, "runs/alone")
    ended = home.forget("where=runs", "apply=true")
    assert ended.exit_status == 0, ended.out
    assert not (home.path / "runs/alone").exists()


def test_a_run_that_somebody_works_in_is_left_and_said(scored):
    handle = os.open(scored.path / "runs/scored", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    ended = scored.forget("where=runs", "apply=true")
    os.close(handle)
    assert ended.exit_status == 1
    assert "NOT ALL IS GONE" in ended.out
    assert WHO in set(scores_of(scored.path / "runs/scored")["speaker_id"])
    assert scored.forget("where=runs", "apply=true").exit_status == 0


def test_no_link_is_followed(scored, tmp_path):
    shutil.move(scored.path / "runs/scored", tmp_path / "theirs")
    (scored.path / "runs/scored").symlink_to(tmp_path / "theirs")
    (scored.path / "runs/further").symlink_to(tmp_path)
    before = tree(tmp_path / "theirs")
    ended = scored.forget("where=runs", "apply=true")
    assert ended.exit_status == 0
    assert tree(tmp_path / "theirs") == before


def test_hypotheses_that_lie_elsewhere_are_nobody_s_to_change(scored, tmp_path):
    inside = scored.path / "runs/scored/hypotheses"
    shutil.move(inside, tmp_path / "theirs")
    inside.symlink_to(tmp_path / "theirs")
    before = tree(tmp_path / "theirs")
    scored.forget("where=runs", "apply=true")
    assert tree(tmp_path / "theirs") == before


def test_a_page_that_was_made_to_be_shown_stays_so(scored):
    rescore(scored, "runs/page", "report.html=true")
    scored.made("report", "run=runs/page", "report.redact=[transcripts,speakers]")
    assert scored.forget("where=runs", "apply=true").exit_status == 0
    page = (scored.path / "runs/page/report.html").read_text()
    assert "Left out of this file: speakers and transcripts" in page
    assert "s01" not in page


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"manifest": {}}, id="no-attributes"),
        pytest.param({"manifest": {"attributes": {"accent": 3}, "name": 1, "digest": []}}, id="other-types"),
        pytest.param({"manifest": {"withdrawn": ["a"]}, "forgotten": [{"at": 7}]}, id="other-counts"),
    ],
)
def test_facts_that_are_damaged_cost_the_numbers_and_keep_nobody(scored, told):
    run = scored.path / "runs/scored"
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(facts | told))
    (scored.path / "corpus/datasheet.yaml").unlink()
    ended = scored.forget("where=runs", "apply=true")
    assert ended.is_in_words
    assert naming(scored.path / "runs", WHO, *SAID) == []


def test_a_bounty_on_them_is_named(tmp_path):
    home = corpus(tmp_path / "home", n_speakers=14)
    transcripts(home)
    rescore(home, "runs/a")
    rescore(home, "runs/b")
    home.made("bounty", "open", "run=runs/a", "alternatives.other=runs/b", "out=runs/bounty")
    before = tree(home.path / "runs/bounty")
    ended = home.forget("where=runs", "apply=true")
    assert ended.exit_status == 0
    assert "runs/bounty" in ended.out
    assert tree(home.path / "runs/bounty") == before


@pytest.mark.parametrize(
    ("who", "said"),
    [
        pytest.param("nobody-at-all", "nobody here", id="unknown"),
        pytest.param(WHO.upper(), "capitals", id="misspelt"),
    ],
)
def test_somebody_who_is_not_there_is_said_to_be_nobody(scored, who, said):
    before = tree(scored.path)
    ended = scored.forget("where=runs", "apply=true", who=who)
    assert ended.exit_status == 0
    assert said in ended.out
    assert tree(scored.path) == before


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["forget"], id="nobody"),
        pytest.param(["forget", f"speaker={WHO}", "where=nowhere"], id="no-folder"),
        pytest.param(["forget", f"speaker={WHO}", "where=runs", "manifests=none.csv"], id="no-manifest"),
        pytest.param(["forget", "speaker={a: b}", "where=runs"], id="no-id"),
        pytest.param(["forget", "withdrawn=none.txt", "where=runs"], id="no-list"),
    ],
)
def test_what_cannot_be_meant_is_refused(scored, words):
    ended = scored.run(*words)
    assert ended.exit_status == 2
    assert ended.is_in_words


def test_people_of_a_list_are_forgotten_by_their_hashes(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_SPEAKER_SALT", "a salt of many letters")
    home = corpus(tmp_path / "home")
    manifest = home.path / "corpus/manifest.jsonl"
    hashed = home_hash(WHO)
    manifest.write_text(manifest.read_text().replace(f'"speaker_id": "{WHO}"', f'"speaker_id": "{hashed}"'))
    transcripts(home)
    rescore(home, "runs/scored")
    (home.path / "list.txt").write_text(f"{WHO}\n{OTHER}\n")
    ended = home.run("forget", "withdrawn=list.txt", "where=runs", "apply=true", "cache.path=none.sqlite")
    assert ended.exit_status == 0, ended.out
    assert not {hashed, OTHER} & set(scores_of(home.path / "runs/scored")["speaker_id"])
    assert (home.path / "corpus/withdrawn.txt").read_text() == "".join(f"{each}\n" for each in sorted([hashed, OTHER]))
    entry = Ledger(home.path / "runs/forgotten.jsonl").entries()[-1]
    assert entry.content["people"] == sorted([hashed, home_hash(OTHER)])


def home_hash(who):
    from harness.corpus.people import hashed

    return hashed(who, b"a salt of many letters")


class Killed(BaseException):
    """Ends a command as a kill does, at a place that a test chooses."""


@pytest.mark.parametrize("n", [1, 4, 6, 9, 11])
def test_a_command_that_was_stopped_goes_on(scored, monkeypatch, n):
    """Stopped after the n-th file that is put in its place; what is begun is never taken for done."""
    replaced, real = [], Path.replace

    def replace(path, target):
        if len(replaced) == n:
            raise Killed
        replaced.append(target)
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        with pytest.raises(Killed):
            scored.forget("where=runs", "apply=true")
    run = scored.path / "runs/scored"
    assert (run / MARKER).exists() or WHO in set(scores_of(run)["speaker_id"])
    assert not (run / MARKER).exists() or not Run(run).finished or n > 9
    ended = scored.forget("where=runs", "apply=true")
    assert ended.exit_status == 0, ended.out
    assert naming(scored.path / "runs", WHO, *SAID) == []
    assert not (run / MARKER).exists()
    (told,) = Run.open(run).facts["forgotten"]
    assert (told["n_speakers"], told["n_utterances"]) == (1, 2)
    pd.testing.assert_frame_equal(scores_of(run), scores_of(run)[lambda rows: rows["speaker_id"] != WHO])


def test_people_who_are_forgotten_after_a_stop_wait_for_those_before(scored, monkeypatch):
    def stopped(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("harness.pipelines.forgetting_runs.remove_rows", stopped)
        with pytest.raises(Killed):
            scored.forget("where=runs", "apply=true")
    other = scored.forget("where=runs", "apply=true", who=OTHER)
    assert other.exit_status == 1
    assert "stopped here" in other.out
    assert scored.forget("where=runs", "apply=true").exit_status == 0
    assert scored.forget("where=runs", "apply=true", who=OTHER).exit_status == 0
    run = Run.open(scored.path / "runs/scored")
    assert [each["n_speakers"] for each in run.facts["forgotten"]] == [1, 1]
    assert not {WHO, OTHER} & set(run.scores["speaker_id"])


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_what_the_same_command_finishes(used, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(used.path, home.path)
    words = ("forget", f"speaker={WHO}", WHERE, "cache.path=cache/transcripts.sqlite", "apply=true")
    for seconds in (4.0, 6.0):
        process = harness_process(*words, cwd=home.path)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    ended = home.run(*words)
    assert ended.exit_status == 0, ended.out
    for folder in ("runs", "baselines", "cache"):
        assert naming(home.path / folder, WHO, *raw_texts(used)) == []
