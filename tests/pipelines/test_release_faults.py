"""Whatever stops a release, what is spent is spent, nothing half is there, and what is refused costs nothing."""

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import DataError, StorageError, UsageError
from harness.fairness.privacy import Caps, ReleaseMethod, private_table
from harness.pipelines import release as pipeline
from harness.pipelines.release import ReleaseJob, release
from harness.results.releases.budget import FILE, Budget
from harness.results.releases.record import CSV, JSON, MARKDOWN, PAGE, _written, read_release
from tests.pipelines.released import (
    N_SPEAKERS,
    copied,
    job,
    kinds,
    rescored,
    scored_corpus,
    without_scripts,
    write_corpus,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scored_corpus(tmp_path_factory.mktemp("made"))


@pytest.fixture
def corpus(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path / "corpus")


def killed_while_drawing(job_of: ReleaseJob) -> None:
    def drawn(scores: pd.DataFrame, **options: object) -> object:
        if len(scores):
            os.kill(os.getpid(), signal.SIGKILL)
        return private_table(scores, **options)  # type: ignore[arg-type]

    pipeline.private_table = drawn  # type: ignore[assignment]
    release(job_of)


def with_a_full_disk(job_of: ReleaseJob) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        release(job_of)
    except StorageError:
        sys.exit(7)


def in_a_process(target: Callable[[ReleaseJob], None], job_of: ReleaseJob) -> int | None:
    process = multiprocessing.get_context("fork").Process(target=target, args=(job_of,))
    process.start()
    process.join(300)
    return process.exitcode


def test_a_release_that_is_killed_while_drawing_is_spent_not_there_and_told(corpus, tmp_path):
    assert in_a_process(killed_while_drawing, job(corpus, tmp_path / "out")) == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert kinds(corpus) == ["opened", "spent"]
    written = release(job(corpus, tmp_path / "out")).answer
    assert any("begun and never written: ε=2" in note for note in written.notes)
    assert Budget(corpus / FILE).account().spent.epsilon == 4.0


def test_a_full_disk_is_found_before_anything_is_spent(corpus, tmp_path):
    assert in_a_process(with_a_full_disk, job(corpus, tmp_path / "out")) == 7
    assert not (tmp_path / "out").exists()
    assert not (corpus / FILE).exists()


def test_a_disk_that_fails_after_spending_says_that_it_stays_spent(corpus, tmp_path, monkeypatch):
    def failing(_made: object) -> dict[str, str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pipeline, "_rehearse", lambda *_: None)
    monkeypatch.setattr(pipeline, "_texts", failing)
    with pytest.raises(StorageError, match=r"No space left.*ε=2 stays spent"):
        release(job(corpus, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    assert kinds(corpus) == ["opened", "spent"]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        *(pytest.param({"epsilon": value}, r"release\.epsilon=", id=f"epsilon-{value}")
          for value in (0.0, -1.0, float("nan"), float("inf"), 1e-300, 1e6)),
        *(pytest.param({"delta": value}, r"release\.delta=", id=f"delta-{value}")
          for value in (0.0, -1.0, 0.5, float("nan"))),
        pytest.param({"total_epsilon": None}, r"no budget yet", id="no-budget"),
        pytest.param({"total_epsilon": 1e6}, r"release\.total_epsilon=", id="a-budget-that-is-none"),
        pytest.param({"slices": {}}, "nobody declared the values of 'accent'", id="no-slices"),
        pytest.param({"by": [], "slices": {}}, r"release\.by='\[accent,\"accent & gender\"\]'", id="nothing"),
        pytest.param({"by": ["tone"], "slices": {}}, "no attribute of", id="unknown"),
        pytest.param(
            {"by": ["accent"], "slices": {"accent": ["=1", "'=1"]}}, r"each named\s+once", id="alike-as-written"
        ),
        pytest.param({"ledger": " "}, r"release\.ledger= names nothing", id="blank-ledger"),
        pytest.param({"shares": {"tone": 1.0}}, "tone", id="share-of-nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_and_costs_nothing(corpus, tmp_path, change, match):
    with pytest.raises(UsageError, match=match):
        release(job(corpus, tmp_path / "out", **change))
    assert not (tmp_path / "out").exists()
    assert not (corpus / FILE).exists()


def test_a_table_that_would_tell_nothing_costs_nothing_and_caps_that_fit_are_named(corpus, tmp_path):
    public = {"words_are_public": True, "epsilon": 4.0}
    told = r"none of 10 slices could be told.*take release\.caps\.words=30 release\.caps\.errors=15"
    for budget in (None, 8.0):
        with pytest.raises(UsageError, match=told):
            release(job(corpus, tmp_path / "out", total_epsilon=budget, **public))
    assert not (corpus / FILE).exists()
    release(job(corpus, tmp_path / "out", caps=Caps(words=30, errors=15), largest_error=0.03, **public))
    assert read_release(tmp_path / "out").table["wer"].notna().any()


def test_an_error_that_is_too_large_never_reads_as_if_it_were_not():
    frame = pd.DataFrame(
        {"dimension": "accent", "slice": ["a", "b", "c", "d"], "expected_error": [0.02, 0.02001, 0, 0.5]}
    )
    assert _written(frame)["expected_error"].tolist() == [0.02, 0.021, 0, 0.5]


def test_a_large_epsilon_is_called_a_weak_promise(corpus, tmp_path):
    written = release(job(corpus, tmp_path / "out", epsilon=9.0, total_epsilon=9.0)).answer
    assert any("weak promise" in note for note in written.notes)
    assert "This is a weak promise" in (tmp_path / "out" / MARKDOWN).read_text()


def test_without_opendp_nothing_is_spent_and_the_extra_is_named(corpus, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(UsageError, match=r"asr-fairness-harness\[private\]"):
        release(job(corpus, tmp_path / "out"))
    assert not (corpus / FILE).exists()


@pytest.mark.parametrize("n_unknown", [1, 3 * N_SPEAKERS], ids=["one", "all"])
def test_utterances_of_nobody_known_are_refused_before_anything_is_spent(corpus, tmp_path, n_unknown):
    scores = pd.read_parquet(corpus / "run" / "scores.parquet")
    scores.loc[: n_unknown - 1, "speaker_id"] = None
    scores.to_parquet(corpus / "run" / "scores.parquet", index=False)
    with pytest.raises(DataError, match=rf"{n_unknown} of 180 utterances have no speaker id"):
        release(job(corpus, tmp_path / "out"))
    assert not (corpus / FILE).exists()


def test_one_speaker_gets_a_table_that_says_nothing_of_them(tmp_path):
    write_corpus(tmp_path / "one", misheard=5, n_speakers=1)
    rescored(tmp_path / "one")
    with pytest.raises(UsageError, match="nothing can be shared: 1 speakers"):
        release(job(tmp_path / "one", tmp_path / "b", method=ReleaseMethod.suppression, slices={}))
    release(job(tmp_path / "one", tmp_path / "out", epsilon=1.0))
    assert read_release(tmp_path / "out").table["wer"].isna().all()


HOSTILE = ("<script>alert(1)</script>", "=1+1", "x\u202ey", '"; rm -rf ~', "|a|b|", "north")


@pytest.mark.parametrize("method", [ReleaseMethod.laplace, ReleaseMethod.suppression])
def test_hostile_names_stay_names(tmp_path, method):
    write_corpus(tmp_path / "bad", misheard=4, n_speakers=12 * len(HOSTILE), accents=HOSTILE)
    rescored(tmp_path / "bad")
    changes = {
        "method": method,
        "by": ["accent"],
        "slices": {} if method is ReleaseMethod.suppression else {"accent": list(HOSTILE)},
    }
    release(job(tmp_path / "bad", tmp_path / "out", **changes))
    page = without_scripts((tmp_path / "out" / PAGE).read_text(encoding="utf-8"))
    assert "<script>alert" not in page
    assert "\u202e" not in page
    table = (tmp_path / "out" / CSV).read_text(encoding="utf-8")
    assert "accent,=1+1" not in table
    assert "accent,'=1+1" in table
    assert len(read_release(tmp_path / "out").table) >= len(HOSTILE) - 1


def test_a_thousand_slices_are_written(corpus, tmp_path):
    many = {"accent": ["north", "south", *(f"v{n}" for n in range(998))]}
    release(job(corpus, tmp_path / "out", by=["accent"], slices=many))
    assert len(read_release(tmp_path / "out").table) >= 1_000


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        pytest.param(lambda text: text[:-20], "damaged", id="cut"),
        pytest.param(lambda _: "[]", "no release of this harness", id="a-list"),
        pytest.param(lambda text: text.replace('"version": 1', '"version": 2'), "of version 2", id="version"),
        pytest.param(lambda text: text.replace('"method": "laplace"', '"method": "x"'), "unknown method", id="method"),
        pytest.param(lambda text: text.replace('"epsilon": 2.0', '"epsilon": NaN'), "damaged", id="nan"),
        pytest.param(lambda _: "[" * 100_000, "damaged", id="nested"),
    ],
)
def test_a_damaged_release_is_refused(corpus, tmp_path, damage, match):
    release(job(corpus, tmp_path / "out"))
    path = tmp_path / "out" / JSON
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(UsageError, match=match):
        read_release(tmp_path / "out")


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        pytest.param(lambda table: table.drop(columns="wer"), "has the columns", id="column"),
        pytest.param(lambda table: pd.concat([table, table]), "names a slice twice", id="twice"),
        pytest.param(lambda table: table.assign(wer="x"), "no number", id="text"),
        pytest.param(lambda table: table.assign(wer=np.inf), "no number", id="inf"),
    ],
)
def test_a_damaged_table_is_refused(corpus, tmp_path, damage, match):
    release(job(corpus, tmp_path / "out"))
    path = tmp_path / "out" / CSV
    damage(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(UsageError, match=match):
        read_release(tmp_path / "out")
