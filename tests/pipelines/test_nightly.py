"""Whole nights, every cell a process of its own: losses named, cells that fail, nights that are killed or crowded."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from harness.errors import UsageError
from harness.fairness.gate import GateOptions
from harness.pipelines import nightly as pipeline
from harness.pipelines.bless import BlessJob, bless, key_of
from harness.pipelines.child_runs import run_apart
from harness.pipelines.nightly import NightlyJob, nightly
from harness.report.nightly import NIGHT_FILES
from harness.results import Run
from harness.results.baselines import BLESSING, CURRENT, blessed_run
from tests.builders import FEW_RESAMPLES, harness, harness_process, tone_corpus
from tests.shared import REPOSITORY

pytestmark = pytest.mark.slow

ACCENTS = ("north", "south", "west")
QUICK = ["normalizer=verbatim", *FEW_RESAMPLES, "report.html=false"]
NO_EVIDENCE = [f"evidence.{name}=false" for name in ("sensitivity", "adjusted", "metrics")]
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@dataclass(frozen=True)
class Place:
    """Is a folder with a manifest of three accents, six speakers each, 20 clips of ten words each, and a matrix."""

    folder: Path

    def transcripts(self, *, noise=0.01, loss=0.0, accent="south", seed=0, name="heard.csv"):
        """Write what tonight's recogniser heard: some words lost at random, more of them in one accent."""
        rng = np.random.default_rng(seed)
        with (self.folder / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["utterance_id", "text"])
            for row in self.rows():
                lost = rng.random(len(WORDS)) < noise + (loss if row["accent"] == accent else 0)
                writer.writerow([row["utterance_id"], " ".join(np.where(lost, "x", WORDS))])

    def rows(self):
        return [
            {
                "utterance_id": f"{accent}{speaker}-{clip}",
                "text": " ".join(WORDS),
                "speaker_id": f"{accent}{speaker}",
                "accent": accent,
            }
            for accent in ACCENTS
            for speaker in range(6)
            for clip in range(20)
        ]

    def matrix(self, **content):
        path = self.folder / "matrix.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    def scored(self, name="heard.csv"):
        """Return the options of a cell that scores transcripts."""
        return [f"hypotheses={name}", "manifest.path=manifest.csv", *QUICK, *NO_EVIDENCE]

    def night(self, name, **changes):
        """Make a night in this process; its cells are others."""
        job = {"matrix": self.folder / "matrix.yaml", "nights": self.folder / "nights", "night": name}
        return nightly(NightlyJob(**job | {"baselines": self.folder / "baselines"} | changes))

    def told(self, name):
        return json.loads((self.folder / "nights" / name / "nightly.json").read_text(encoding="utf-8"))

    def bless(self, night, cell="vendor"):
        run = Run.open(self.folder / "nights" / night / cell)
        return bless(BlessJob(run=run, baselines=self.folder / "baselines", reason="as agreed")).answer


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = Place(tmp_path)
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["utterance_id", "text", "speaker_id", "accent"])
        writer.writeheader()
        writer.writerows(here.rows())
    here.matrix(transcripts={"vendor": here.scored()})
    here.transcripts()
    return here


def test_three_points_lost_in_one_accent_are_caught_and_named_the_same_night_and_noise_is_not(place):
    first = place.night("1")
    assert first.exit_status == 0
    assert place.told("1")["cells"][0]["standing"] == "no_baseline"
    blessing = place.bless("1")
    assert (blessing.key.system, blessing.reason) == ("vendor", "as agreed")

    place.transcripts(seed=1)
    assert place.night("2").exit_status == 0
    assert place.told("2")["changes"] == []

    place.transcripts(seed=2, loss=0.04)
    assert place.night("3").exit_status == 3
    worse = [row for row in place.told("3")["changes"] if row["verdict"] == "regression"]
    assert {row["slice"] for row in worse if row["dimension"] == "accent"} == {"south"}
    assert worse[0]["slice"] == "south", "the largest first"
    folder = place.folder / "nights" / "3"
    assert " of accent south" in (folder / "nightly.md").read_text(encoding="utf-8").splitlines()[2]
    assert "WER of south: worse by at least 1 point" in (folder / "nightly.xml").read_text(encoding="utf-8")
    assert len((folder / "changes.csv").read_text(encoding="utf-8").splitlines()) == 1 + 1 + 3 + 3
    assert (place.folder / "nights" / "board" / "index.html").is_file()

    place.transcripts(seed=3)
    assert place.night("4").exit_status == 0, "the baseline is the blessed run, not the night before"


def test_a_loss_of_one_person_where_attributes_meet_fails_the_night_and_names_nobody(place):
    with (place.folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["utterance_id", "text", "speaker_id", "accent", "gender"])
        writer.writeheader()
        writer.writerows(
            row | {"gender": "woman" if row["speaker_id"] in ("south0", "north0", "west0") else "man"}
            for row in place.rows()
        )
    place.matrix(transcripts={"vendor": [*place.scored(), "slices.intersections=2"]})
    place.transcripts()
    place.night("1")
    place.bless("1")
    heard = (place.folder / "heard.csv").read_text(encoding="utf-8").splitlines()
    lost = [
        line.replace("one two three four five", "x x x x x") if line.startswith("south0-") else line for line in heard
    ]
    (place.folder / "heard.csv").write_text("\n".join(lost), encoding="utf-8")
    assert place.night("2").exit_status == 3
    crossed = [row for row in place.told("2")["changes"] if row["dimension"] == "accent & gender"]
    alone = [row for row in crossed if row["slice"] == "of fewer than 5 speakers"]
    assert [row["verdict"] for row in alone if row["measure"] == "slice_wer"] == ["regression"]
    assert {row[name] for row in alone for name in ("baseline", "tonight", "difference", "n_speakers")} == {None}
    folder = place.folder / "nights" / "2"
    for file in ("nightly.json", "nightly.md", "nightly.xml", "../board/index.html"):
        text = (folder / file).read_text(encoding="utf-8")
        assert "south &amp; woman" not in text
        assert "south & woman" not in text
    assert "WER of accent & gender of fewer than 5 speakers" in (folder / "nightly.md").read_text().replace(
        "&amp;", "&"
    )
    assert "south & woman" in (folder / "changes.csv").read_text(encoding="utf-8")  # what the numbers are made from


def test_a_cell_that_fails_does_not_stop_the_others_and_says_why(place):
    place.matrix(
        transcripts={
            "absent": place.scored("nobody.csv"),
            "wrong": [*place.scored(), "no_such_option=1"],
            "vendor": place.scored(),
        }
    )
    assert place.night("1").exit_status == 1
    absent, wrong, vendor = place.told("1")["cells"]
    assert not absent["measured"]
    assert absent["reason"].startswith("exit status 2: hypotheses=nobody.csv: no such file")
    assert "no_such_option" in wrong["reason"], wrong["reason"]
    assert vendor["measured"]
    assert (place.folder / "nights" / "1" / "absent.log").is_file()


def test_a_regression_outweighs_a_cell_that_was_not_measured(place):
    place.night("1")
    place.bless("1")
    place.transcripts(loss=0.1)
    place.matrix(transcripts={"absent": place.scored("nobody.csv"), "vendor": place.scored()})
    assert place.night("2").exit_status == 3


def test_too_many_failed_clips_are_four_and_a_broken_policy_fails_only_if_asked(place):
    few = "\n".join(["utterance_id,text", *(f"{row['utterance_id']},{row['text']}" for row in place.rows()[:-40])])
    (place.folder / "few.csv").write_text(few, encoding="utf-8")
    place.matrix(transcripts={"few": [*place.scored("few.csv"), "allow_missing=true"]})
    assert place.night("1").exit_status == 4
    with pytest.raises(UsageError, match="clips failed, more than its policy allows"):
        place.bless("1", "few")
    place.transcripts(loss=0.3)
    place.matrix(transcripts={"vendor": place.scored()})
    assert place.night("2").exit_status == 0
    assert place.night("2", fail_on_policy=True).exit_status == 3
    (cell,) = place.told("2")["cells"]
    assert (cell["exit_status"], cell["reused"]) == (3, True)


def test_another_normaliser_another_reference_and_a_baseline_that_was_touched_are_no_comparison(place):
    place.night("1")
    current = place.bless("1").run.path

    place.matrix(transcripts={"vendor": [*place.scored(), "normalizer=lowercase_no_punctuation"]})
    assert place.night("2").exit_status == 1
    assert "its baseline was scored with the normaliser verbatim" in place.told("2")["cells"][0]["comparison"]

    place.matrix(transcripts={"vendor": place.scored()})
    manifest = place.folder / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("ten,north0,north", "eleven,north0,north"))
    assert place.night("3").exit_status == 1
    assert "20 utterances with another reference: 'north0-0'" in place.told("3")["cells"][0]["comparison"]

    (current / "slices.csv").write_text("dimension,slice\n")
    assert place.night("4").exit_status == 1
    assert "slices.csv: its digest is" in place.told("4")["cells"][0]["comparison"]
    assert (current / BLESSING).is_file()
    assert (current.parent / CURRENT).read_text().strip() == current.name


def test_utterances_that_only_one_night_has_are_left_out_and_counted(place):
    place.night("1")
    place.bless("1")
    lines = (place.folder / "manifest.csv").read_text().splitlines(keepends=True)
    (place.folder / "manifest.csv").write_text("".join([*lines[:-30], "new-0,one two,west9,west\n"]))
    rows = (place.folder / "heard.csv").read_text().splitlines(keepends=True)
    (place.folder / "heard.csv").write_text("".join([*rows[:-30], "new-0,one two\n"]))
    assert place.night("2").exit_status == 0
    (cell,) = place.told("2")["cells"]
    assert cell["comparison"] == "left out: 1 utterances only tonight; left out: 30 utterances only in the baseline"
    assert cell["n_utterances"] == 330


def test_a_loss_that_no_cell_of_this_night_could_show_is_said_to_be_so(place):
    place.night("1")
    place.bless("1")
    place.night("2", gate=GateOptions(alpha=1e-9))
    (cell,) = place.told("2")["cells"]
    assert (cell["n_slices"], cell["n_blind"]) == (3, 3)
    assert "3 of 3 slices: accent north" in (place.folder / "nights" / "2" / "nightly.md").read_text(encoding="utf-8")


def test_whole_commands_bless_a_folder_and_end_with_the_night_s_status(place):
    night = ("nightly", "matrix=matrix.yaml", "nights=nights", "baselines=baselines")
    first = harness(*night, "night=1", cwd=place.folder)
    assert (first.exit_status, "no baseline yet: harness bless nights/1/vendor" in first.out) == (0, True)
    blessed = harness("bless", "nights/1/vendor", "baselines=baselines", "reason=why not", cwd=place.folder)
    assert (blessed.exit_status, "vendor × manifest × clean is held to" in blessed.out) == (0, True)
    place.transcripts(loss=0.1)
    second = harness(*night, "night=2", cwd=place.folder)
    assert (second.exit_status, "WORSE vendor WER of accent south" in " ".join(second.out.split())) == (3, True)
    nobody = "All attributes are taken as annotated: there is no datasheet that says who told them."
    written = [(place.folder / "nights" / "2" / name).read_text(encoding="utf-8") for name in NIGHT_FILES[1:3]]
    assert all(nobody in told for told in (second.out, *written)), "who says so of the slices named"
    assert harness("bless", "nights/2", cwd=place.folder).exit_status == 2, "a night is no run"
    refused = harness(*night, "night=3", "gate.alpha=2", cwd=place.folder)
    assert (refused.exit_status, "gate.alpha=2" in refused.err, refused.is_in_words) == (2, True, True)


def test_a_run_of_no_night_is_the_cell_of_its_transcripts_and_one_that_has_not_ended_is_refused(place):
    ended = harness("rescore", *place.scored(), "run_dir=alone", cwd=place.folder)
    assert ended.exit_status == 0
    run = Run.open(place.folder / "alone")
    assert (key_of(run).system, key_of(run).manifest) == ("heard.csv", "manifest")
    (place.folder / "alone" / "report.md").unlink()
    with pytest.raises(UsageError, match="has not ended"):
        bless(BlessJob(run=run, baselines=place.folder / "baselines"))


SLOW = """
import os, time
from pathlib import Path
from harness.backends.tones import Tones

class Slow(Tones):
    def transcribe(self, waveforms):
        time.sleep(float(os.environ.get("SLOW_S", "0")))
        with Path(os.environ["DIARY"]).open("a") as diary:
            diary.write(f"{len(waveforms)}\\n")
        return super().transcribe(waveforms)
"""
BATCH_SIZE = 4


@pytest.fixture
def heard(place, monkeypatch):
    """Give the place a corpus of 40 clips of tones that a program hears in batches, and writes down how many."""
    tone_corpus(place.folder / "corpus")
    program = "import sys\nfrom harness.backends import tones\n" + SLOW
    (place.folder / "sitecustomize.py").write_text(program + "\ntones.Tones = Slow\n", encoding="utf-8")
    monkeypatch.setenv("DIARY", str(place.folder / "diary"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place.folder), str(REPOSITORY)]))
    options = [*QUICK, *NO_EVIDENCE, f"executor.batch_size={BATCH_SIZE}", "executor.workers=0", "cache.enabled=false"]
    place.matrix(
        systems={"tones": ["backend=tones", *options]},
        manifests={"corpus": ["manifest.path=corpus/manifest.jsonl"]},
        transcripts={"vendor": place.scored()},
    )
    return place


def clips(place):
    diary = place.folder / "diary"
    return [int(line) for line in diary.read_text().splitlines()] if diary.is_file() else []


def start(place, **environment):
    command = ("nightly", "matrix=matrix.yaml", "nights=nights", "baselines=baselines", "night=1")
    return harness_process(*command, cwd=place.folder, **environment)


def wait_for(holds, seconds=300):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_night_that_was_killed_goes_on_where_it_was_and_hears_no_batch_twice(heard):
    """Killed with -9 half-way through the first cell: the run it left behind works on, and the next night waits."""
    first = start(heard, SLOW_S="0.4")
    wait_for(lambda: clips(heard).count(BATCH_SIZE) >= 3)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    second = start(heard)
    _, told = second.communicate(timeout=300)
    assert second.returncode in (0, 3), told
    assert clips(heard).count(BATCH_SIZE) == 40 // BATCH_SIZE
    assert [cell["measured"] for cell in heard.told("1")["cells"]] == [True, True]
    before = len(clips(heard))
    third = start(heard)
    third.communicate(timeout=300)
    assert len(clips(heard)) == before, "what is made is not made again"
    assert [cell["reused"] for cell in heard.told("1")["cells"]] == [True, True]


def test_two_nights_at_once_make_every_cell_once(heard):
    nights = [start(heard, SLOW_S="0.1"), start(heard, SLOW_S="0.1")]
    statuses = [(each.communicate(timeout=300), each.returncode)[1] for each in nights]
    assert statuses[0] == statuses[1]
    assert statuses[0] in (0, 3)
    assert clips(heard).count(BATCH_SIZE) == 40 // BATCH_SIZE
    assert [cell["measured"] for cell in heard.told("1")["cells"]] == [True, True]


def test_a_cell_that_takes_too_long_is_ended_and_the_next_is_made(heard, monkeypatch):
    def patient(words, *, run_dir, log_file, timeout_s):
        """Give the next as much time as a slow machine takes."""
        limit_s = 600.0 if run_dir.name == "vendor" else timeout_s
        return run_apart(words, run_dir=run_dir, log_file=log_file, timeout_s=limit_s)

    monkeypatch.setenv("SLOW_S", "60")
    monkeypatch.setattr(pipeline, "run_apart", patient)
    assert heard.night("1", cell_timeout_s=6.0).exit_status == 1
    tones, vendor = heard.told("1")["cells"]
    assert tones["reason"] == "ended after 6 s (cell_timeout_s)"
    assert vendor["measured"]


def test_a_cell_that_is_killed_is_reported_by_its_signal(place, monkeypatch):
    (place.folder / "sitecustomize.py").write_text("import os\nos.kill(os.getpid(), 9)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place.folder), str(REPOSITORY)]))
    assert place.night("1").exit_status == 1
    assert place.told("1")["cells"][0]["reason"] == "ended by signal 9: it said nothing"


def test_a_cell_finds_the_harness_wherever_the_night_is_made(place):
    """Python finds it here by a path that is relative to another folder."""
    program = (
        f"import os, sys; sys.path.insert(0, {str(REPOSITORY)!r})\nfrom harness.__main__ import main\n"
        "sys.argv = ['harness', 'nightly', 'matrix=matrix.yaml', 'nights=nights', 'night=1']\nmain()\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=place.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert place.told("1")["cells"][0]["measured"]


def test_a_baseline_is_that_of_the_names_in_the_matrix(heard):
    assert heard.night("1").exit_status in (0, 3)
    blessing = heard.bless("1", "tones_corpus")
    assert (blessing.key.system, blessing.key.manifest) == ("tones", "corpus")
    assert blessed_run(key_of(Run.open(heard.folder / "nights" / "1" / "tones_corpus")), heard.folder / "baselines")


def test_every_condition_of_a_matrix_has_a_baseline_of_its_own(heard):
    matrix = yaml.safe_load((heard.folder / "matrix.yaml").read_text(encoding="utf-8"))
    noise = ["condition=noise_white", "conditions.noise_white.snr_db=10"]
    heard.matrix(**matrix, conditions={"clean": [], "ward": noise, "hall": [*noise[:1], f"{noise[1]}0"]})
    heard.night("1")
    cells = {"clean": "tones_corpus", "ward": "tones_corpus_ward", "hall": "tones_corpus_hall"}
    blessed = {name: heard.bless("1", cell) for name, cell in cells.items()}
    assert {name: blessing.key.condition for name, blessing in blessed.items()} == {name: name for name in cells}
    assert len({blessing.key.folder for blessing in blessed.values()}) == 3
    assert heard.night("2").exit_status in (0, 3)


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "..", ""])
def test_a_night_lies_among_the_nights(tmp_path, name):
    with pytest.raises(UsageError, match="the name of a folder in nights"):
        NightlyJob(matrix=tmp_path / "m.yaml", nights=tmp_path, baselines=tmp_path, night=name)
