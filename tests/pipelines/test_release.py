"""A release says nothing exact, costs before it is drawn, is whole or not there, and feeds the card in its place."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness.privacy import Caps, ReleaseMethod, Spent, private_table
from harness.pipelines import release as pipeline
from harness.pipelines.release import release
from harness.results import Run
from harness.results.releases.budget import FILE, Budget, BudgetError, Hides
from harness.results.releases.record import CSV, JSON, MARKDOWN, PAGE, read_release
from tests.builders import FEW_RESAMPLES, Ended, harness, tone_corpus
from tests.pipelines.released import (
    N_SPEAKERS,
    SLICES,
    copied,
    job,
    kinds,
    rescored,
    scored_corpus,
    without_scripts,
    write_corpus,
)

FILES = {CSV, JSON, MARKDOWN, PAGE}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scored_corpus(tmp_path_factory.mktemp("made"))


@pytest.fixture
def corpus(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path / "corpus")


def command(corpus: Path, *words: str) -> Ended:
    return harness("release", f"run={corpus / 'run'}", *words, cwd=corpus)


def test_a_private_release_is_a_table_its_statement_and_a_line_of_the_ledger(corpus):
    ended = command(
        corpus, "out=released", "release.method=laplace", "release.epsilon=2", "release.total_epsilon=8",
        "release.slices={accent:[north,south],gender:[female,male]}",
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    assert {path.name for path in (corpus / "released").iterdir()} == FILES
    assert kinds(corpus) == ["opened", "spent", "written"]
    found = read_release(corpus / "released")
    assert set(found.table["slice"]) >= {"north", "south", "female", "male"}
    assert found.facts["recorded"] == {"epsilon": 2.0, "delta": 0.0}
    assert found.facts["attributes"]["accent"] == {"kind": "accent", "provenance": "self_reported"}
    assert "can become at most 88 % sure" in ended.out
    assert "ε=6, δ=1e-05 is left" in ended.out


def test_a_release_is_a_function_of_the_private_table_and_of_names_alone(corpus, tmp_path, monkeypatch):
    """Two corpora of one design, one misheard and half as large, with the same noisy table: the same bytes."""
    other = tmp_path / "other"
    write_corpus(other, misheard=9, n_speakers=24)
    rescored(other)
    job_of = job(corpus, tmp_path / "a")
    table = private_table(Run.open(corpus / "run").scores, dimensions=SLICES, options=job_of.options)
    monkeypatch.setattr(pipeline, "private_table", lambda *_, **__: table)
    texts = []
    for folder, name in ((corpus, "a"), (other, "b")):
        release(job(folder, tmp_path / name))
        facts = read_release(tmp_path / name).facts
        own = re.compile("|".join(str(facts[what]) for what in ("receipt", "made")))  # midnight may be between
        texts.append({path.name: own.sub("", path.read_text()) for path in sorted((tmp_path / name).iterdir())})
    assert texts[0] == texts[1]


@pytest.mark.parametrize("method", [ReleaseMethod.laplace, ReleaseMethod.gaussian])
def test_no_exact_number_and_nobody_s_name_is_in_any_file(corpus, tmp_path, method):
    """Noise can meet an exact number once; what is told is told by every release."""
    run = Run.open(corpus / "run")
    exact = run.slices[["n_utterances", "reference_words", "hits", "substitutions"]].to_numpy().ravel()
    large = {f"{int(n)}" for n in exact if n > 99} | {f"{int(n):,}" for n in exact if n > 999}
    rates = [text for value in run.slices["wer"] if len(text := repr(float(value))) > len("0.1234567")]
    secrets = [*run.scores["speaker_id"], *run.scores["utterance_id"], str(corpus), "alpha bravo", "run.json", *rates]
    secrets += [str(run.facts["manifest"]["digest"])]
    told = []
    for number in range(4):
        out = tmp_path / f"out{number}"
        release(job(corpus, out, method=method))
        texts = {path: without_scripts(path.read_text(encoding="utf-8")) for path in out.iterdir()}
        assert [(path.name, each) for path, text in texts.items() for each in secrets if each in text] == []
        told.append({path.suffix: _numbers(text) for path, text in texts.items()})
    for suffix in (".csv", ".md"):  # of a page, numbers are also places on it
        assert large & set.intersection(*(numbers[suffix] for numbers in told)) == set(), suffix


def _numbers(text: str) -> set[str]:
    return set(re.findall(r"(?<![\d.])\d[\d,]*(?![\d.]|,\d)", text.replace("**", "")))


def test_what_is_spent_is_on_the_disk_before_noise_is_drawn(corpus, tmp_path, monkeypatch):
    seen = []

    def drawn(scores: pd.DataFrame, **options: object) -> object:
        seen.append((len(scores), kinds(corpus) if (corpus / FILE).exists() else []))
        return private_table(scores, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "private_table", drawn)
    release(job(corpus, tmp_path / "out"))
    assert seen == [(0, []), (3 * N_SPEAKERS, ["opened", "spent"])]  # once of nobody, to see that it can be made


def test_an_overspend_ends_with_2_says_what_is_left_and_writes_nothing(corpus):
    words = ("release.method=laplace", "release.epsilon=2", f"release.slices={json.dumps(SLICES)}".replace('"', ""))
    assert command(corpus, "out=a", *words, "release.total_epsilon=3").exit_status == 0
    ended = command(corpus, "out=b", *words)
    assert ended.exit_status == 2
    assert "ε=1, δ=1e-05 is left for corpus 'tones', found ε=2, δ=0 asked for" in ended.err
    assert not (corpus / "b").exists()


def test_two_systems_of_one_corpus_have_one_budget(corpus, tmp_path):
    shutil.copytree(corpus / "run", corpus / "second")
    release(job(corpus, tmp_path / "a"))
    release(job(corpus, tmp_path / "b", run="second"))
    assert read_release(tmp_path / "b").facts["budget"]["spent"] == {"epsilon": 4.0, "delta": 0.0}


def test_the_ledger_of_another_corpus_is_refused(corpus, tmp_path):
    Budget(tmp_path / "others.jsonl", "others").spend(Spent(1.0, 0.0), {}, hides=Hides.presence, total=Spent(2.0, 0.0))
    with pytest.raises(BudgetError, match="is the ledger of corpus 'others'; the run is of 'tones'"):
        release(job(corpus, tmp_path / "out", ledger=str(tmp_path / "others.jsonl")))


def test_a_ledger_elsewhere_is_remembered_by_the_folder_of_the_manifest(corpus, tmp_path):
    release(job(corpus, tmp_path / "a", ledger=str(tmp_path / "kept.jsonl")))
    release(job(corpus, tmp_path / "b"))
    assert Budget(tmp_path / "kept.jsonl").account().spent.epsilon == 4.0
    ended = harness("service_card", f"run={corpus / 'run'}", "out=card", cwd=corpus)
    assert ended.exit_status == 2


@pytest.mark.parametrize("place", ["run/out", "full"])
def test_a_place_that_is_not_for_sharing_is_refused(corpus, place):
    (corpus / "full").mkdir()
    (corpus / "full" / "x").touch()
    with pytest.raises(UsageError, match=r"not for sharing|not an empty folder"):
        release(job(corpus, corpus / place))
    assert not (corpus / FILE).exists()


def test_exact_after_private_and_private_after_exact_are_refused(corpus, tmp_path):
    exact = {"method": ReleaseMethod.suppression, "min_speakers": 10}
    shutil.copytree(corpus, tmp_path / "other")
    config = tmp_path / "other" / "run" / "config.yaml"
    config.write_text(config.read_text().replace(str(corpus), str(tmp_path / "other")), encoding="utf-8")
    release(job(corpus, tmp_path / "a"))
    with pytest.raises(BudgetError, match="Exact numbers of it cannot be published any more"):
        release(job(corpus, tmp_path / "b", **exact))
    release(job(tmp_path / "other", tmp_path / "c", **exact))
    with pytest.raises(BudgetError, match="Noise beside them protects nobody"):
        release(job(tmp_path / "other", tmp_path / "d"))


@pytest.mark.parametrize("is_public_first", [True, False], ids=["words-first", "presence-first"])
def test_no_release_hides_who_took_part_where_another_publishes_it(corpus, tmp_path, is_public_first):
    """Else the second would promise of all together what the first has broken: it tells exactly who is counted."""
    presence: dict[str, object] = {"words_are_public": False}
    public = {"words_are_public": True, "caps": Caps(words=30, errors=15), "epsilon": 4.0}
    first, second = (public, presence) if is_public_first else (presence, public)
    release(job(corpus, tmp_path / "a", **first))
    with pytest.raises(BudgetError, match="publishes what another hides"):
        release(job(corpus, tmp_path / "b", **second))
    assert not (tmp_path / "b").exists()
    assert kinds(corpus) == ["opened", "spent", "written"]


def test_what_can_be_read_beside_a_suppressed_release_is_said_with_the_line_that_says_when(corpus, tmp_path):
    release(job(corpus, tmp_path / "out", method=ReleaseMethod.suppression, min_speakers=25, slices={}))
    for words in (
        ("bundle", f"run={corpus / 'run'}", f"out={tmp_path / 'b.tar'}"),
        ("service_card", f"run={corpus / 'run'}", f"out={tmp_path / 'card'}"),
    ):
        ended = harness(*words, cwd=corpus)
        assert ended.exit_status == 0, ended.err
        said = " ".join(ended.out.split())
        assert f"{FILE}:2: slices of fewer than 25 people were hidden on" in said
        assert "Whoever gets both that and this can read what was hidden there" in said


def test_a_suppressed_release_s_own_card_gives_nothing_away(corpus, tmp_path):
    release(job(corpus, tmp_path / "out", method=ReleaseMethod.suppression, slices={}))
    ended = harness(
        "service_card", f"release={tmp_path / 'out'}", f"run={corpus / 'run'}", f"out={tmp_path / 'card'}", cwd=corpus
    )
    assert ended.exit_status == 0, ended.err
    assert "can read what was hidden" not in " ".join(ended.out.split())
    assert "the release, which was made from the run" in " ".join(ended.out.split())


def test_a_suppressed_release_shows_the_run_s_numbers_of_slices_with_enough_people(corpus, tmp_path):
    release(job(corpus, tmp_path / "out", method=ReleaseMethod.suppression, min_speakers=25))
    found, run = read_release(tmp_path / "out"), Run.open(corpus / "run")
    assert not found.is_private
    shown = found.table.merge(run.slices, on=["dimension", "slice"], suffixes=("", "_run"), validate="one_to_one")
    assert len(shown) == len(found.table)
    assert (shown["n_speakers"] == shown["n_speakers_run"]).all()
    assert (shown["wer"] == shown["wer_run"].round(3)).all()
    assert (found.table["n_speakers"] >= 25).all()
    assert set(found.table["slice"]) == {"all", "north", "south"}  # male: 20; female with it
    assert "no differential privacy" in (tmp_path / "out" / PAGE).read_text().lower()


@pytest.mark.parametrize("change", [{"min_speakers": 5}, {"by": ["accent"]}], ids=["floor", "dimensions"])
def test_exact_tables_of_the_same_people_by_another_rule_are_refused(corpus, tmp_path, change):
    exact = {"method": ReleaseMethod.suppression, "slices": {}}
    release(job(corpus, tmp_path / "a", **exact))
    release(job(corpus, tmp_path / "b", **exact))
    with pytest.raises(BudgetError, match="by another rule"):
        release(job(corpus, tmp_path / "c", **(exact | change)))


def test_after_a_bundle_no_small_slices_are_hidden_and_no_rule_is_promised_that_nobody_can_follow(corpus, tmp_path):
    Budget(corpus / FILE, "tones").publish({"method": "bundle", "bundle": "0", "manifest": "0"})
    with pytest.raises(BudgetError, match=r"\(bundle\), and beside them .* protects nobody"):
        release(job(corpus, tmp_path / "a", method=ReleaseMethod.suppression, slices={}))


def test_a_floor_below_five_is_refused(corpus, tmp_path):
    with pytest.raises(UsageError, match=r"min_speakers=4; expected at least 5"):
        release(job(corpus, tmp_path / "a", method=ReleaseMethod.suppression, min_speakers=4))


@pytest.mark.parametrize("public", [False, True], ids=["noisy-people", "public-people"])
def test_the_chart_never_heads_numbers_of_people_that_have_noise_as_if_they_were_exact(corpus, tmp_path, public):
    changes = {"words_are_public": True, "caps": Caps(words=30, errors=15), "epsilon": 4.0} if public else {}
    release(job(corpus, tmp_path / "out", largest_error=0.9, **changes))
    page = (tmp_path / "out" / PAGE).read_text()
    heads = set(re.findall(r"'(speakers[^']*)'", page)) | set(re.findall(r'"title": ?"(speakers[^"]*)"', page))
    assert heads == {"speakers" if public else "speakers, with noise"}
    assert (" speakers, with noise)" in page) is not public


@pytest.mark.parametrize("public", [False, True], ids=["noisy-people", "public-people"])
def test_where_numbers_of_people_have_noise_a_slice_may_be_shown_by_luck_and_the_page_says_so(corpus, tmp_path, public):
    changes = {"words_are_public": True, "caps": Caps(words=30, errors=15), "epsilon": 4.0} if public else {}
    release(job(corpus, tmp_path / "out", **changes))
    assert ("Luck: noisy numbers decide" in (tmp_path / "out" / PAGE).read_text()) is not public


def test_all_that_a_run_is_not_sliced_by_is_named_at_once(corpus, tmp_path):
    by = ["accent", "gender & accent", "accent & gender"]
    with pytest.raises(UsageError, match="is not sliced by 'gender & accent', 'accent & gender'"):
        release(job(corpus, tmp_path / "a", method=ReleaseMethod.suppression, by=by))


def shared(folder: Path, run: str) -> Ended:
    return harness(
        "last_mile", f"manifest.path={folder / 'manifest.jsonl'}", "backend=tones", "condition=[telephone]",
        "share=aggregate", f"run_dir={run}", "report.html=false", "evidence.metrics=false", *FEW_RESAMPLES, cwd=folder,
    )  # fmt: skip


def test_what_last_mile_shares_is_exact_and_no_private_release_is_made_beside_it(tmp_path):
    tone_corpus(tmp_path)
    assert "May be shared" in shared(tmp_path, "a").out
    assert kinds(tmp_path) == ["opened", "exact"]
    with pytest.raises(BudgetError, match="last_mile share"):
        release(job(tmp_path, tmp_path / "out", run="a", slices={"accent": ["north", "south"]}))


def test_beside_a_bundle_what_last_mile_hides_is_not_hidden_and_another_share_by_the_same_rule_says_nothing(tmp_path):
    tone_corpus(tmp_path)
    for run in ("a", "b"):
        told = " ".join(shared(tmp_path, run).out.split())
        assert "May be shared" in told
        assert "exact numbers of these people were published" not in told
    Budget(tmp_path / FILE, "tones").publish({"method": "bundle", "bundle": "0", "manifest": "0"})
    said = " ".join(shared(tmp_path, "c").out.split())
    assert "(bundle), with nothing hidden. Whoever gets both that and this may read what is hidden here." in said


def test_beside_a_private_release_last_mile_shares_nothing(tmp_path):
    tone_corpus(tmp_path)
    Budget(tmp_path / FILE, "tones").spend(Spent(1.0, 0.0), {}, hides=Hides.presence, total=Spent(2.0, 0.0))
    ended = shared(tmp_path, "a")
    assert ended.exit_status == 2  # before anything is heard
    assert "cannot be published any more" in ended.err
    assert not (tmp_path / "a_shared").exists()
