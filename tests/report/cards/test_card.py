"""A card says who was measured, who was not, which group is worst and what nobody stated; twice the same."""

import json
import re

import pandas as pd
import pytest

from harness.errors import UsageError
from harness.report.cards import markdown
from harness.report.cards.assemble import IDENTITY_PLACE, NOT_STATED_PLACE
from harness.report.cards.authored import FIELDS, IDENTITY
from harness.report.cards.blocks import Bullets, Claim, Paragraph, Section, Stated, Table, told
from harness.report.cards.card import JSON, MARKDOWN, PAGE, files, make_card
from harness.results import Run
from tests.report.cards.builders import (
    ATTRIBUTES,
    STATED,
    authored,
    checked,
    copy_of,
    rows,
    run_of_groups,
    written,
)


def section(card, name):
    return next(each for each in card.document.sections if each.id == name)


def text_of(spans):
    return "".join(span.text if isinstance(span, Claim) else span for span in spans)


def said(card, name):
    """Return the sentences of a section."""
    found = []
    for block in section(card, name).blocks:
        found += [block.spans] if isinstance(block, Paragraph) else block.items if isinstance(block, Bullets) else []
    return [text_of(spans) for spans in found]


def lead(card, word):
    """Return the sentence of the headline that begins with a word."""
    (bullets,) = (block for block in section(card, "at-a-glance").blocks if isinstance(block, Bullets))
    return text_of(dict(zip(bullets.leads, bullets.items, strict=True))[word])


def table(card, name):
    (found,) = (
        block
        for each in card.document.sections
        for block in each.blocks
        if isinstance(block, Table) and block.id == name
    )
    return [[text_of(cell) for cell in row] for row in found.rows]


def edited(run, folder, file, change):
    """Return a run whose JSON file was changed."""
    changed = copy_of(run, folder)
    facts = json.loads((changed.path / file).read_text(encoding="utf-8"))
    change(facts)
    (changed.path / file).write_text(json.dumps(facts), encoding="utf-8")
    return Run.open(changed.path)


def test_two_cards_of_the_same_run_are_the_same_bytes(run, card):
    assert files(make_card([run], authored())) == files(card)


def test_the_worst_group_is_the_one_with_the_highest_wer_and_enough_people(run, card):
    enough = [
        row
        for row in rows(run, "slices.csv")
        if row["dimension"] in ("accent", "gender", "accent & gender", "accent & device", "device & gender")
        and "undeclared" not in row["slice"]
        and int(row["n_speakers"]) >= 5
        and int(row["n_utterances"]) >= 20
        and int(row["reference_words"]) >= 100
    ]
    worst = max(enough, key=lambda row: float(row["wer"]))
    sentence = lead(card, "Worst group")
    assert sentence.startswith(
        f"Each of the {len(enough)} groups with at least 5 speakers, 20 utterances and 100 words"
    )
    assert f"is at or below {100 * float(worst['wer']):.1f} % WER" in sentence
    assert f"accent (self-reported): {worst['slice']} ({worst['n_speakers']} speakers" in sentence


def test_every_group_with_enough_people_has_a_line_and_no_other_group_has_a_rate(run, card):
    groups = {(row[0].partition(" (")[0], row[1]) for row in table(card, "groups-1")}
    assert ("accent", "south") in groups
    assert ("accent", "west") not in groups
    assert all("undeclared" not in name for _, name in groups)
    small = {row["slice"] for row in rows(run, "slices.csv") if row["slice"] == "west"}
    assert small == {"west"}
    assert table(card, "measured-1")[0][-1] == "west (2)"


def test_who_is_in_no_group_is_counted(card):
    assert table(card, "measured-1") == [
        ["accent (self-reported)", "2", "10", "1", "2", "0", "0", "west (2)"],
        ["gender (annotated)", "2", "10", "0", "0", "2", "0", "none"],
    ]
    assert "2 are in groups with too few people and 0 said nothing of accent (self-reported)" in lead(
        card, "In no group"
    )
    assert "2 said nothing of gender (annotated)" in lead(card, "In no group")


def test_recordings_are_no_groups_of_people(card):
    assert {row[0] for row in table(card, "others-1")} == {"device (measured)"}
    assert all(not row[0].startswith("device (") for row in table(card, "groups-1"))


def test_a_found_gap_is_named_with_its_verdict(card):
    assert "VIOLATED by accent (self-reported): south (disparity)" in lead(card, "Policy")
    assert "1 worse by at least the margin" in lead(card, "Gaps")
    assert "not the same as none" in lead(card, "Gaps")
    first = table(card, "gaps-1")[0]
    assert first[1:3] == ["south", "disparity"]


def test_missing_fields_are_listed_and_never_filled(run):
    card = make_card([run], authored({}))
    text = files(card)[MARKDOWN]
    assert "Not stated by the author: Service, Provider, Version, As of," in text
    assert "# A service that is not named: service card" in text
    assert text.count("*Not stated.*") == len(card.authored.not_stated)  # the configurations' place, not the service's
    assert card.authored.stated == {}


def test_a_card_with_everything_stated_says_that_nothing_is_missing(run):
    card = make_card([run], authored(dict.fromkeys([*IDENTITY, *FIELDS], "Some words.")))
    assert "The author left nothing of this card empty." in files(card)[MARKDOWN]
    assert "Not stated by the author" not in files(card)[PAGE]


def test_every_field_has_one_place_in_the_card(card):
    places = [block.field for each in card.document.sections for block in each.blocks if isinstance(block, Stated)]
    assert sorted(places) == sorted([*FIELDS, IDENTITY_PLACE, NOT_STATED_PLACE, "configurations"])


def test_the_method_is_that_of_the_run(run, tmp_path):
    def change(facts):
        facts["policy"] |= {
            "correction": "fdr_bh",
            "comparator": "best",
            "margin_ratio": 1.25,
            "family": "dimension",
            "n_resamples": 1234,
            "dimensions": {"accent": {"margin": 0.01, "comparator": None}},
        }

    method = "\n".join(said(make_card([edited(run, tmp_path / "run", "run.json", change)], authored()), "design"))
    assert "by the Benjamini-Hochberg procedure" in method
    assert "that of the best group (p-values do not know that it was picked" in method
    assert "3 points or a ratio of ×1.25" in method
    assert "each attribute on its own" in method
    assert "1,234 times" in method
    assert "Otherwise: margin 0.01 for accent." in method


def test_tests_that_are_not_corrected_are_said_to_stand_alone(run, tmp_path):
    changed = edited(run, tmp_path / "run", "run.json", lambda facts: facts["policy"].update(correction="none"))
    assert any("every test stands alone" in text for text in said(make_card([changed], authored()), "design"))


def test_failures_are_told_with_both_ways_of_counting_them(tmp_path):
    run = run_of_groups(tmp_path, failed=("00-0",))
    method = "\n".join(said(make_card([run], authored()), "design"))
    assert "47 were scored and 1 failed" in method
    assert "every word of their references counts as deleted; WER with their words as deletions is" in method
    assert checked(written(tmp_path / "card", run), run).exit_status == 0


def test_without_speakers_the_card_says_that_nothing_could_be_tested(tmp_path):
    run = run_of_groups(tmp_path, speaker_id="", by_speaker={}, attributes={"accent": ATTRIBUTES["accent"]}, few=())
    card = make_card([run], authored())
    assert "people who are not told apart (no speaker ids)" in lead(card, "Everybody")
    assert "None of the 3 groups has at least 5 speakers" in lead(card, "Worst group")
    assert "nothing could be tested" in lead(card, "Policy")
    assert any("no intervals and no tests" in text for text in said(card, "not-measured"))
    assert checked(written(tmp_path / "card", run), run).exit_status == 0


def test_without_attributes_there_is_no_group(tmp_path):
    run = run_of_groups(tmp_path, by_speaker={}, attributes={}, accent="", few=())
    card = make_card([run], authored())
    assert "says nothing of who the speakers are" in lead(card, "Worst group")
    assert "No group could be compared" in lead(card, "Gaps")
    assert any("beyond nothing at all" in text for text in said(card, "not-measured"))
    assert checked(written(tmp_path / "card", run), run).exit_status == 0


def test_a_run_without_further_evidence_says_what_was_not_measured(run, tmp_path):
    changed = copy_of(run, tmp_path / "run")
    for name in ("metrics.csv", "adjusted.csv", "normalizers.csv"):
        (changed.path / name).unlink()
    card = make_card([changed], authored())
    missing = said(card, "not-measured")
    assert "Word F1, recall and precision, and texts returned where nothing was said." in missing
    assert "Gaps with other things held equal." in missing
    assert "Whether verdicts depend on the normaliser." in missing
    assert "F1" not in lead(card, "Everybody") + lead(card, "Worst group")
    assert checked(written(tmp_path / "card", changed), changed).exit_status == 0


def test_synthetic_voices_are_said_to_be_nobody_s(run, tmp_path):
    def change(facts):
        facts["manifest"]["attributes"]["accent"]["provenance"] = "synthetic"

    card = make_card([edited(run, tmp_path / "run", "run.json", change)], authored())
    first = section(card, "at-a-glance").blocks[0]
    assert isinstance(first, Paragraph)
    assert first.strong
    assert "says nothing about people" in text_of(first.spans)


def test_speed_is_told_where_a_clock_was_looked_at(run, tmp_path):
    figures = {"n_recognised": 40, "model_rtfx": 34.21, "end_to_end_rtfx": 12.3, "latency_p50_s": 0.25, "n_sessions": 0}
    measured = figures | {"latency_p95_s": 1.5}
    changed = edited(run, tmp_path / "run", "run.json", lambda facts: facts.update(speed=measured))
    card = make_card([changed], authored())
    (sentence,) = (text for text in said(card, "design") if text.startswith("Speed"))
    assert "34.2 seconds of audio a second" in sentence
    assert "12.3 end to end; latency 0.25 s in the median, 1.50 s at the 95th percentile" in sentence
    assert "Speed, latency and cost." not in said(card, "not-measured")


def test_several_runs_are_told_apart_and_said_once_where_they_are_alike(run, tmp_path):
    other = copy_of(run, tmp_path / "second")
    card = make_card([run, other], authored({"configurations": [{"run": "second", "name": "en-GB"}]}))
    assert [each.name for each in card.runs] == ["tones", "en-GB"]
    design = said(card, "design")
    assert sum(text.startswith("How words were counted") for text in design) == 1
    assert any(text.startswith("Words were counted and gaps judged as for tones") for text in design)
    assert any(text.startswith("Measured on the same data as tones") for text in design)


def test_runs_of_one_name_are_told_apart_by_their_folders(run, tmp_path):
    card = make_card([run, copy_of(run, tmp_path / "second")], authored({}))
    assert [each.name for each in card.runs] == ["tones (run)", "tones (second)"]


def test_a_configuration_of_a_run_that_is_not_given_is_refused(run):
    with pytest.raises(UsageError, match="name the runs \\['elsewhere'\\]"):
        make_card([run], authored({"configurations": [{"run": "elsewhere", "name": "a"}]}))


def test_a_run_that_is_too_old_is_refused(run, tmp_path):
    changed = edited(run, tmp_path / "run", "run.json", lambda facts: facts.pop("policy"))
    with pytest.raises(UsageError, match="no policy"):
        make_card([changed], authored())


def test_the_json_says_all_that_is_shown(card):
    tree = json.loads(files(card)[JSON])
    assert {claim["id"] for claim in tree["claims"]} == {claim.id for claim in card.document.claims()}
    assert [each["id"] for each in tree["sections"]] == [each.id for each in card.document.sections]
    assert tree["stated"]["service"] == STATED["service"]
    sheet = tree["datasheets"][0]
    assert sheet["name"] == "tones"
    assert sheet["license"] == "CC0-1.0"
    assert sheet["attributes"]["accent"] == {"kind": "accent", "provenance": "self_reported", "order": []}


def test_every_number_in_a_sentence_has_a_footnote_with_its_row(card):
    text = files(card)[MARKDOWN]
    marks, notes = set(map(int, markdown_marks(text))), set(map(int, markdown_notes(text)))
    assert marks == notes == set(range(1, len(notes) + 1))
    for line in markdown.expected_lines(card.document):
        if line.claims and not line.text.startswith("|"):
            assert "[^" in line.text


def markdown_marks(text):
    return re.findall(r"\[\^(\d+)\](?!:)", text)


def markdown_notes(text):
    return re.findall(r"^\[\^(\d+)\]:", text, flags=re.MULTILINE)


def test_a_template_s_braces_in_data_stay_braces():
    assert told("{a} and {b}", a="{b}", b=("x", "{a}")) == ("{b}", " and ", "x", "{a}")


def test_a_section_is_never_empty(card):
    assert all(isinstance(each, Section) and each.blocks for each in card.document.sections)


def test_a_policy_that_fails_nothing_says_so(run, tmp_path):
    free = edited(run, tmp_path / "free", "run.json", lambda facts: facts["policy"].update(fail_on=[]))
    held = edited(free, tmp_path / "held", "summary.json", lambda facts: facts.update(passed=True, violations=[]))
    assert "it fails nothing; 6 gaps were tested" in lead(make_card([held], authored()), "Policy")


def test_a_group_whose_every_clip_failed_is_named_and_cited(run, tmp_path):
    def lose(facts):
        facts.update(passed=False, violations=[], slices_lost=["accent: north"], max_failed_exceeded=True)

    lost = edited(run, tmp_path / "lost", "summary.json", lose)
    assert lead(make_card([lost], authored()), "Policy").endswith("VIOLATED by every clip failing of accent: north.")


@pytest.mark.parametrize("failing", [[], [{"condition": "noise_0db", "n_failed": 9, "n_utterances": 60}]])
def test_a_policy_that_holds_on_clean_audio_alone_is_not_said_to_have_compared_nothing(run, tmp_path, failing):
    def worse_in_noise(facts):
        beyond = {"too_many_failed": failing}
        facts.update(passed=False, violations=[], max_failed_exceeded=bool(failing), beyond=beyond)

    noisy = edited(run, tmp_path / "noisy", "summary.json", worse_in_noise)
    assert lead(make_card([noisy], authored()), "Policy").endswith("VIOLATED under conditions, not on clean audio.")


def held_equal(run, ratio):
    """Return what a card says was held equal for the south, where the model of all covariates has such a ratio."""
    rows = pd.read_csv(run.path / "adjusted.csv", keep_default_na=False, na_values=[""])
    rows = rows[(rows["dimension"] == "accent") & (rows["slice"] == "south")].head(1)
    made = {"age": (1.5, ""), "sex": (1.4, ""), "age + sex": (ratio, "" if ratio else "the model did not converge")}
    more = [rows.assign(covariates=name, ratio=value, note=note) for name, (value, note) in made.items()]
    run.write_table("adjusted.csv", pd.concat([rows.assign(ratio=2.0), *more], ignore_index=True))
    (row,) = table(make_card([run], authored()), "adjusted-1")
    return row


def test_what_was_held_equal_is_all_of_it_and_why_that_gives_no_ratio_is_told(run, tmp_path):
    row = held_equal(copy_of(run, tmp_path / "fits"), 1.2)
    assert (row[5], row[6]) == ("age + sex", "×1.20")
    row = held_equal(copy_of(run, tmp_path / "fails"), None)
    assert (row[5], row[6], row[-1]) == ("age + sex", "–", "the model did not converge")


def test_a_policy_that_held_says_on_how_much_that_rests(run, tmp_path):
    held = edited(run, tmp_path / "held", "summary.json", lambda facts: facts.update(passed=True, violations=[]))
    assert lead(make_card([held], authored()), "Policy").endswith("held; 6 gaps were tested.")
