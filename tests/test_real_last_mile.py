"""Real people in a real kitchen, on the telephone and beside an alarm; and the demo's voices beside the alarm."""

import json

import pytest

from harness.results import Run
from tests.builders import FEW_RESAMPLES, harness
from tests.shared import DATA, REPOSITORY, needs_data

DEMO = REPOSITORY / "manifests" / "demo"
KITCHEN = DATA / "noise" / "kitchen.flac"
MANY = ("policy.n_resamples=200", "policy.n_permutations=2000", "evidence.metrics=false", "evidence.sensitivity=false")


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory):
    """Return the run of two takes of every digit of six people under six conditions."""
    folder = tmp_path_factory.mktemp("kitchen")
    lines = (REPOSITORY / "manifests" / "fsdd" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if json.loads(line)["utterance_id"].endswith(("_0", "_1"))]
    (folder / "manifest.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    sheet = REPOSITORY / "manifests" / "fsdd" / "datasheet.yaml"
    (folder / "datasheet.yaml").write_bytes(sheet.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSDD_DIR", str(DATA / "fsdd" / "recordings"))
        ended = harness(
            "last_mile", "manifest=fsdd", f"manifest.path={folder / 'manifest.jsonl'}", f"noises=[{KITCHEN}]",
            "snr_db=[20,5]", "condition=[telephone,alarm]", "slices.by=[accent,speaker_id]", "run_dir=run",
            *FEW_RESAMPLES, cwd=folder,
        )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    return Run.open(folder / "run")


@needs_data("fsdd")
@needs_data("noise")
@pytest.mark.slow
def test_the_kitchen_the_telephone_and_the_alarm_each_cost_words_and_more_noise_costs_more(kitchen):
    grid = kitchen.optional("conditions.csv")
    overall = grid[grid["dimension"] == "overall"].set_index("condition")
    assert overall["n_utterances"].tolist() == [120] * 5
    wer = overall["wer"]
    assert wer["clean"] < wer["kitchen_20db"] < wer["kitchen_5db"]
    assert wer["clean"] < min(wer["telephone"], wer["alarm"])


@needs_data("fsdd")
@needs_data("noise")
@pytest.mark.slow
def test_six_people_are_no_evidence_of_who_a_condition_hurts_more_and_every_row_says_so(kitchen):
    harm = kitchen.optional("extra_harm.csv").query("dimension != 'overall'")
    assert set(harm["verdict"]) == {"insufficient"}
    assert harm["reason"].str.startswith("too few to say").all()
    assert harm["extra_harm"].notna().all()
    assert kitchen.summary["passed"]


@pytest.mark.slow
def test_the_demo_s_alarm_hurts_male_voices_more_and_the_test_finds_it(tmp_path):
    """Recorded from pocketsphinx 5.0.4; of all sentences and 19 conditions it is +20 points, adjusted p .021."""
    lines = (DEMO / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if json.loads(line)["topic"] in ("lights", "climate", "music")]
    (tmp_path / "manifest.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "datasheet.yaml").write_bytes((DEMO / "datasheet.yaml").read_bytes())
    ended = harness(
        "last_mile", "manifest=demo", "manifest.path=manifest.jsonl", f"manifest.audio_root={DEMO}",
        "condition=[alarm]", "slices.by=[gender]", "run_dir=run", *MANY, "policy.fail_on=[]", "report.html=false",
        cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status == 0, ended.err
    harm = Run.open(tmp_path / "run").optional("extra_harm.csv").set_index("slice")
    male = harm.loc["male"]
    assert male["verdict"] == "disparity"
    assert male["extra_harm"] == pytest.approx(0.286, abs=0.06)
    assert 0.03 < male["extra_harm_low"] < male["extra_harm"] < male["extra_harm_high"] < 0.6
    assert harm.loc["female", "verdict"] == "advantage"
