"""The report and the screen of an audit answer in one sentence, and let no text from data become markup."""

import io
import json
import re
import shutil

import pytest

from harness.corpus import Manifest
from harness.report.invariance import MAX_SHOWN, answer_sentence, remarks, render_invariance, show_invariance
from harness.report.tables import escape
from harness.results import Run
from harness.transcription.executors import Order
from tests.builders import DECLARED, tone_corpus
from tests.pipelines.audit_backends import Padded
from tests.pipelines.test_audit_invariance import audited, rows_of_two_lengths

NASTY = "<script>alert(1)</script> | **b**"


def setting(changes, n_changed=0, **options):
    """Return a setting of 40 clips as summary.json has it."""
    numbers = {
        "setting": changes,
        "changes": changes,
        "against": "reference",
        "n_utterances": 40,
        "n_speakers": 10,
        "n_failed": 0,
        "n_changed": n_changed,
        "n_changed_normalised": n_changed,
        "share_changed": n_changed / 40,
        "share_changed_low": 0.0,
        "share_changed_high": 0.2,
        "wer": 0.1,
        "against_wer": 0.1,
        "wer_difference": 0.0,
        "wer_difference_low": None,
        "wer_difference_high": None,
        "fails": bool(n_changed),
    }
    return numbers | options


def summary_of(*settings, **options):
    reference = {"batch_size": 1, "order": "manifest", "workers": 1, "variant": "as configured", "n_failed": 0}
    failing = [each["setting"] for each in settings if each["fails"]]
    return {
        "n_utterances": 40,
        "n_speakers": 10,
        "reference": reference,
        "settings": list(settings),
        "notes": [],
        "confidence": 0.95,
        "fail_on": ["batch"],
        "failing": failing,
        "disparities": [],
        "most_failed": 0,
        "max_failed_exceeded": False,
        "passed": not failing,
        "n_tested": 0,
        "margin": 0.03,
    } | options


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        pytest.param(
            summary_of(setting("batch"), setting("repeat")),
            "None of 40 texts changed with batch size or hearing it again (95 % interval: up to 20.0 %).",
            id="none",
        ),
        pytest.param(
            summary_of(setting("batch", share_changed_high=None)),
            "None of 40 texts changed with batch size.",
            id="none-without-an-interval",
        ),
        pytest.param(
            summary_of(setting("batch", 3, setting="batch=8"), setting("batch", 12, setting="batch=32")),
            "Texts depend on batch size (12 of 40 texts, 30.0 %, under batch=32).",
            id="the-largest-share",
        ),
        pytest.param(
            summary_of(setting("batch, order", 1), setting("order"), setting("variant", 2, fails=False)),
            "Texts depend on batch size with order (1 of 40 texts, 2.5 %, under batch, order) or options of the "
            "backend (2 of 40 texts, 5.0 %, under variant); no text changed with order.",
            id="several",
        ),
        pytest.param(
            summary_of(setting("batch", n_failed=3), most_failed=3),
            "None of 40 texts changed with batch size (95 % interval: up to 20.0 %); up to 3 of the clips failed.",
            id="some-failed",
        ),
        pytest.param(
            summary_of(
                setting("batch", n_failed=40),
                most_failed=40,
                reference={"n_failed": 40},
            ),
            "Whether texts depend on the setting cannot be told: all 40 clips failed.",
            id="all-failed",
        ),
    ],
)
def test_the_first_sentence_answers(summary, said):
    assert answer_sentence(summary) == said


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        pytest.param(
            summary_of(setting("batch")), "Audit: passed; it fails on texts that change with batch size.", id="passed"
        ),
        pytest.param(summary_of(setting("batch", 1)), "Audit: FAILED by texts that changed under batch.", id="changed"),
        pytest.param(summary_of(setting("batch"), fail_on=[]), "Audit: fails on nothing.", id="reported-only"),
        pytest.param(
            summary_of(setting("batch"), most_failed=9, max_failed_exceeded=True),
            "Audit: FAILED by 9 of 40 clips that failed, more than allowed.",
            id="failed-clips",
        ),
        pytest.param(
            summary_of(setting("repeat", 1)),
            "The same setting gives other texts when it is heard again: some of what changed with others is chance.",
            id="not-deterministic",
        ),
        pytest.param(
            summary_of(
                setting("batch"), disparities=[{"dimension": "accent", "slice": "a\x1bb", "setting": "batch=8"}]
            ),
            "A disparity that the harness makes: accent ab (batch=8).",
            id="disparity",
        ),
    ],
)
def test_what_follows_is_told(summary, said):
    assert said in remarks(summary)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return an audit in which half of the texts changed, of an accent with a name that is no markup."""
    folder = tmp_path_factory.mktemp("audit")
    rows = [row | {"accent": NASTY if row["accent"] == "north" else row["accent"]} for row in rows_of_two_lengths()]
    manifest = Manifest.load(tone_corpus(folder, rows, attributes=DECLARED))
    return audited(manifest, folder / "run", Padded, batch_sizes=[1, 40], orders=[Order.manifest], repeat=False).run


def screen(run):
    out = io.StringIO()
    show_invariance(run, out)
    return out.getvalue()


def test_report_and_screen_begin_with_the_answer_and_have_the_numbers(run):
    report, shown = render_invariance(run), screen(run)
    assert report.splitlines()[2] == f"**{answer_sentence(run.summary)}**"
    assert shown.startswith(answer_sentence(run.summary))
    (row,) = run.summary["settings"]
    for text in (report, shown):
        assert f"{row['n_changed']} of 40" in text
        assert row["against"] in text
        assert "Audit: FAILED" in text


def test_at_most_ten_changed_texts_are_shown_and_the_worst_come_first(run):
    section = render_invariance(run).split("## Changed texts")[1].split("## How")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    lines = (run.path / "changed.jsonl").read_text().splitlines()
    assert len(rows) == MAX_SHOWN < len(lines) == run.summary["settings"][0]["n_changed"]
    assert f"{MAX_SHOWN} of {len(lines)}" in section
    costs = [abs(each["errors"] - each["errors_against"]) for each in map(json.loads, lines)]
    assert costs == sorted(costs, reverse=True)


def test_names_and_texts_stay_what_they_are(run, tmp_path):
    copy = Run(tmp_path / "run")
    shutil.copytree(run.path, copy.path)
    lines = [json.loads(line) for line in (run.path / "changed.jsonl").read_text().splitlines()]
    spoken = [line | {"text": f"\x1b[31m{NASTY}\n| c"} for line in lines]
    copy.write_text("changed.jsonl", "".join(json.dumps(line) + "\n" for line in spoken))
    report = render_invariance(copy)
    assert "<script" not in report
    assert "\x1b" not in report + screen(copy)
    assert report.count(escape(NASTY)) > MAX_SHOWN
    rows = [line for line in report.split("## Changed texts")[1].splitlines() if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)[|]", row)) for row in rows} == {8}


def test_a_clip_that_failed_and_a_text_without_end_are_shown_as_such(run, tmp_path):
    copy = Run(tmp_path / "run")
    shutil.copytree(run.path, copy.path)
    line = json.loads((run.path / "changed.jsonl").read_text().splitlines()[0])
    copy.write_text("changed.jsonl", json.dumps(line | {"text": None, "text_against": "one " * 1000}) + "\n")
    section = render_invariance(copy).split("## Changed texts")[1]
    assert "(failed)" in section
    assert max(map(len, section.splitlines())) < 1000


def test_the_screen_points_to_the_changed_texts_and_quotes_none(run):
    shown, lines = screen(run), [json.loads(line) for line in (run.path / "changed.jsonl").read_text().splitlines()]
    assert f"Utterances with a text that changed: {len(lines)}, each with what was said in changed.jsonl" in shown
    told = {line[name] for line in lines for name in ("utterance_id", "reference")}
    assert not [each for each in told if each in shown]


def test_rendering_twice_gives_the_same(run):
    assert render_invariance(run) == render_invariance(run)
