"""A night in Markdown and JUnit XML: what is said, what CI systems can read, and that data stays data."""

import io
import json
import re
from xml.etree import ElementTree as ET

import pytest

from harness.report.junit import junit_xml
from harness.report.nightly import Night, nightly_markdown, show_night, verdict_sentence

HOSTILE = [
    pytest.param("<img src=x onerror=alert(1)>", id="html"),
    pytest.param("a]]>b--c---d<!--", id="xml"),
    pytest.param("nul\x00 bell\x07 escape\x1b[31m", id="control-characters"),
    pytest.param("lone \ud800 surrogate \ufffe", id="no-characters"),
    pytest.param("right-to-left \u202e override", id="bidi"),
    pytest.param("| a cell | more\n# a heading", id="markdown"),
    pytest.param("\"quotes\" & 'apostrophes'", id="quotes"),
    pytest.param("x" * 10_000, id="long"),
]
# The schema that Jenkins checks by: what an element must have, what else it may have, and what may stand in it.
SCHEMA = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"skipped", "time", "timestamp", "hostname", "id", "package", "group", "file", "log", "url"},
        {"testcase", "properties", "system-out", "system-err"},
    ),
    "testcase": ({"name"}, {"classname", "time", "group"}, {"failure", "error", "skipped", "system-out", "system-err"}),
    **{name: (set(), {"message", "type"}, set()) for name in ("failure", "error", "skipped")},
    "system-out": (set(), set(), set()),
}


def change(name="south", verdict="regression", measure="slice_wer", **changed):
    row = {
        "cell": "whisper_demo",
        "measure": measure,
        "dimension": "overall" if measure == "wer" else "accent",
        "slice": name,
        "baseline": 0.2,
        "tonight": 0.23,
        "difference": 0.03,
        "difference_low": 0.02,
        "difference_high": 0.04,
        "p_worse_adjusted": 0.0001,
        "p_better_adjusted": 1.0,
        "verdict": verdict,
        "reason": "worse by at least 1 point",
    }
    return row | changed


def cell(name="whisper_demo", **changed):
    told = {
        "name": name,
        "exit_status": 0,
        "measured": True,
        "reason": "",
        "seconds": 12.34,
        "reused": False,
        "standing": "compared",
        "comparison": "",
        "n_utterances": 400,
        "dimensions": ["overall", "accent"],
        "n_violations": 0,
        "wer": 0.2,
        "wer_low": 0.18,
        "wer_high": 0.22,
        "n_failed": 0,
        "passed": True,
        "policy": "default",
        "report": "report.html",
        "since": [],
        "n_slices": 4,
        "n_blind": 0,
        "blind": [],
    }
    return told | changed


MIXED = {"attributes": {"accent": {"provenance": "self_reported"}, "snr_db": {"provenance": "measured"}}}
ALIKE = {"attributes": {"accent": {"provenance": "synthetic"}}}
SAID_OF_MIXED, SAID_OF_ALIKE = "Self-reported: accent. Measured: snr_db.", "All attributes are synthetic."


def unmeasured(name="nemo_demo", reason="exit status 2: no such file"):
    return {"name": name, "exit_status": 2, "measured": False, "reason": reason, "seconds": 1.0, "reused": False}


def night(*cells, changes=(), exit_status=0, **gate):
    return {
        "night": "2026-11-22",
        "finished": "2026-11-22 03:00:00 UTC",
        "exit_status": exit_status,
        "cells": list(cells) or [cell()],
        "changes": list(changes),
        "n_tests": 60,
        "gate": {"alpha": 0.01, "margin": 0.01, "min_speakers": 20, "fail_on_policy": False} | gate,
    }


def checked(text):
    """Parse a document and check every element by the schema, and every count."""
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        required, allowed, children = SCHEMA[element.tag]
        assert required <= set(element.attrib) <= required | allowed, element.tag
        assert {child.tag for child in element} <= children
    for suite in root:
        for name, path in (("tests", ""), ("failures", "/failure"), ("errors", "/error"), ("skipped", "/skipped")):
            assert suite.get(name) == str(len(suite.findall(f"testcase{path}")))
        assert re.fullmatch(r"\d+\.\d+", suite.get("time"))
    for name in ("tests", "failures", "errors"):
        assert root.get(name) == str(sum(int(suite.get(name)) for suite in root))
    return root


def case(root, name):
    (found,) = [each for each in root.iter("testcase") if each.get("name") == name]
    return found


def test_a_cell_is_a_suite_and_what_is_judged_in_it_are_cases():
    root = checked(junit_xml(night(changes=[change(), change("north", measure="gap", verdict="better")])))
    assert [each.get("name") for each in root.iter("testcase")] == ["measured", "everybody", "accent"]
    failure = case(root, "accent").find("failure")
    assert failure.text == "WER of south: worse by at least 1 point"
    assert failure.get("message") == failure.text
    assert len(case(root, "everybody")) == len(case(root, "measured")) == 0


def test_what_everybody_lost_is_a_failure_of_its_own():
    root = checked(junit_xml(night(changes=[change("all", measure="wer")])))
    assert case(root, "everybody").find("failure").text.startswith("WER of everybody: ")


def test_a_cell_that_could_not_be_measured_is_an_error_with_its_last_words():
    root = checked(junit_xml(night(cell(), unmeasured())))
    assert case(root[1], "measured").find("error").text == "exit status 2: no such file"
    assert root.get("errors") == "1"


def test_too_many_failed_clips_are_a_failure():
    root = checked(junit_xml(night(cell(exit_status=4, n_failed=7))))
    assert "7 clips failed" in case(root, "measured").find("failure").text


@pytest.mark.parametrize(("standing", "kind"), [("no_baseline", "skipped"), ("not_comparable", "error")])
def test_a_cell_without_a_baseline_is_skipped_and_one_of_another_test_an_error(standing, kind):
    root = checked(junit_xml(night(cell(standing=standing, comparison="harness bless runs/x"))))
    assert case(root, "compared with its baseline").find(kind).get("message") == "harness bless runs/x"


@pytest.mark.parametrize("passed", [True, False])
def test_a_policy_that_fails_the_night_is_a_case(passed):
    facts = night(cell(passed=passed, n_violations=2, exit_status=0 if passed else 3), fail_on_policy=True)
    assert (case(checked(junit_xml(facts)), "policy").find("failure") is None) == passed


def test_too_many_failed_clips_are_no_violated_policy_besides():
    root = checked(junit_xml(night(cell(exit_status=4, passed=False, n_failed=7), fail_on_policy=True)))
    assert case(root, "policy").find("failure") is None
    assert root.get("failures") == "1"
    assert "| too many clips failed | compared |" in nightly_markdown(night(cell(exit_status=4, passed=False)))


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_told_in_a_document_that_parses(text):
    facts = night(
        cell(dimensions=["overall", "accent", text], comparison=text),
        unmeasured(reason=text),
        cell("other", standing="no_baseline", comparison=text),
        changes=[change(text, reason=text), change(text, dimension=text)],
    )
    root = checked(junit_xml(facts))
    told = case(root[0], "accent").find("failure").text
    shown = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    assert told == f"WER of {shown}: {shown}"
    assert len(case(root[0], "accent").find("failure").get("message")) <= 500


def test_junitparser_reads_the_same():
    junitparser = pytest.importorskip("junitparser")
    xml = junitparser.JUnitXml.fromstring(junit_xml(night(cell(), unmeasured(), changes=[change()])).encode())
    assert (xml.tests, xml.failures, xml.errors) == (4, 1, 1)
    assert [suite.name for suite in xml] == ["whisper_demo", "nemo_demo"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(night(), "PASSED. no slice and no gap was shown to be worse (60 tests in 1 cell).", id="passed"),
        pytest.param(
            night(changes=[change()], exit_status=3),
            "FAILED. 1 got worse: whisper_demo WER of accent south",
            id="worse",
        ),
        pytest.param(night(cell(), unmeasured(), exit_status=1), "INCOMPLETE. no slice", id="not-measured"),
        pytest.param(
            night(cell(standing="no_baseline", comparison="x")), "NOT JUDGED. no baseline yet: whisper_demo", id="new"
        ),
        pytest.param(
            night(cell(), cell("nemo_demo", exit_status=3, passed=False), exit_status=3, fail_on_policy=True),
            "FAILED. policy violated: nemo_demo; no slice and no gap was shown to be worse",
            id="only-a-policy",
        ),
        pytest.param(night(exit_status=4), "FAILED: too many clips failed", id="failed-clips"),
    ],
)
def test_the_verdict_comes_first(facts, said):
    assert said in verdict_sentence(facts)
    assert nightly_markdown(facts).splitlines()[2].startswith("**Night 2026-11-22 ")


def test_what_got_worse_is_told_with_from_to_interval_and_p():
    text = nightly_markdown(night(changes=[change()], exit_status=3))
    row = next(line for line in text.splitlines() if "south |" in line)
    assert [part.strip() for part in row.split("|")[1:8]] == [
        "whisper\\_demo", "WER of accent south", "20.0 %", "23.0 %", "+3.0", "+2.0 to +4.0", "0.0001",
    ]  # fmt: skip


def test_what_is_missing_what_is_new_and_what_could_not_have_been_seen_is_told():
    text = nightly_markdown(
        night(
            cell(since=["version of torch: 2.6 → 2.7"], n_blind=1, blind=[["accent", "west"]]),
            unmeasured(),
            cell("new", standing="no_baseline", comparison="no baseline yet: harness bless runs/new"),
            cell("again", reused=True),
            exit_status=1,
        )
    )
    for said in (
        "not measured: exit status 2: no such file",
        "nemo\\_demo.log",
        "whisper\\_demo/report.html",
        "| no baseline | 400 |",
        "- no baseline yet: harness bless runs/new",
        "- whisper\\_demo: version of torch: 2.6 → 2.7",
        "- whisper\\_demo: 1 of 4 slices: accent west",
        "made earlier on the same night",
        "not detected at this sample size",
    ):
        assert said in text


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_data_stay_texts_in_markdown(text):
    facts = night(
        cell(comparison=text, since=[text], n_blind=1, blind=[["accent", text]]),
        unmeasured(reason=text),
        changes=[change(text, reason=text), change(text, verdict="better", difference=-0.03)],
        exit_status=3,
    )
    written = nightly_markdown(facts)
    assert "<img" not in written
    assert "<!--" not in written
    assert not set("\x00\x07\x1b\u202e\ud800") & set(written)
    tables = [line for line in written.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (8, 9) for line in tables)
    assert sum(line.startswith("# ") for line in written.splitlines()) == 1


def test_a_night_with_nothing_to_compare_counts_no_tests():
    assert "tests of the night" not in nightly_markdown(night(cell(standing="no_baseline")) | {"n_tests": 0})
    assert "corrected over the 1,060 tests of the night (Holm);" in nightly_markdown(night() | {"n_tests": 1060})


def test_large_numbers_of_a_night_have_their_thousands_apart():
    assert "| 9,177 |" in nightly_markdown(night(cell(n_utterances=9177)))


def test_many_changes_are_cut_and_the_rest_is_named():
    text = nightly_markdown(night(changes=[change(f"s{k}") for k in range(25)], exit_status=3))
    assert "… and 5 more in changes.csv" in text


def on_screen(folder, facts):
    (folder / "nightly.json").write_text(json.dumps(facts), encoding="utf-8")
    out = io.StringIO()
    show_night(Night(folder), out)
    return out.getvalue()


def test_every_section_that_names_slices_says_who_says_so():
    changes = [change(), change(verdict="slightly_worse"), change(verdict="better", difference=-0.03)]
    blind = {"n_blind": 1, "blind": [["accent", "west"]]}
    sections = nightly_markdown(night(cell(**MIXED, **blind), changes=changes, exit_status=3)).split("\n## ")
    naming = [each for each in sections[1:] if "accent " in each]
    assert len(naming) == 4
    assert all(each.rstrip().endswith(f"\n\n*{SAID_OF_MIXED}*".replace("_", "\\_")) for each in naming)
    assert sum(SAID_OF_MIXED.split(":")[0] in each for each in sections) == 4


def test_cells_whose_attributes_have_other_sources_are_told_apart_and_those_alike_are_told_once():
    cells = [cell("a", **MIXED), cell("b", **ALIKE), cell("c", **ALIKE)]
    changes = [change(cell=name) for name in "abcc"]
    said = [line for line in nightly_markdown(night(*cells, changes=changes)).splitlines() if line.startswith("*")]
    assert said[1:] == ["*a: Self-reported: accent. Measured: snr\\_db.*", f"*b, c: {SAID_OF_ALIKE}*"]
    alike = nightly_markdown(night(*cells[1:], changes=changes[1:]))
    assert f"\n*{SAID_OF_ALIKE}*\n" in alike


def test_a_cell_without_a_datasheet_is_said_to_be_of_attributes_that_nobody_told():
    told = ALIKE | {"datasheet": False, "attributes": {"accent": {"provenance": "annotated"}}}
    said = "All attributes are taken as annotated: there is no datasheet that says who told them."
    facts = night(cell(**told), changes=[change()])
    assert f"*{said}*" in nightly_markdown(facts)
    assert said in junit_xml(facts)


def test_where_only_everybody_is_named_no_attribute_has_a_source(tmp_path):
    facts = night(cell(**MIXED), changes=[change("all", measure="wer")])
    assert "elf-reported" not in nightly_markdown(facts)
    assert "elf-reported" not in on_screen(tmp_path, facts)
    assert "elf-reported" not in junit_xml(night(cell(**MIXED, dimensions=["overall"])))


def test_the_screen_of_a_night_says_who_says_so_of_the_slices_that_it_names(tmp_path):
    facts = night(cell(**MIXED), cell("b", **ALIKE), changes=[change(), change(measure="gap")], exit_status=3)
    lines = on_screen(tmp_path, facts).splitlines()
    assert lines[2] == SAID_OF_MIXED
    assert sum("elf-reported" in line for line in lines) == 1


def test_a_suite_says_who_says_so_and_so_does_a_failure_of_which_some_readers_show_its_text_alone():
    facts = night(cell(**MIXED), cell("b", **ALIKE), unmeasured(), changes=[change(), change("all", measure="wer")])
    root = checked(junit_xml(facts))
    assert [suite.findtext("system-out") for suite in root] == [SAID_OF_MIXED, SAID_OF_ALIKE, None]
    failed = {each.get("name"): each.findtext("failure") for each in root[0].iter("testcase")}
    assert failed["accent"] == f"WER of south: worse by at least 1 point\n{SAID_OF_MIXED}"
    assert failed["everybody"] == "WER of everybody: worse by at least 1 point"


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_attributes_stay_texts(tmp_path, text):
    told = {"attributes": {text: {"provenance": "measured"}, "accent": {"provenance": "self_reported"}}}
    facts = night(cell(dimensions=["accent"], **told), changes=[change()])
    written = nightly_markdown(facts)
    assert "<img" not in written
    assert sum(line.startswith("# ") for line in written.splitlines()) == 1
    assert checked(junit_xml(facts))[0].findtext("system-out").endswith("Self-reported: accent.")
    if "\ud800" not in text:
        assert "\x1b" not in on_screen(tmp_path, facts)
