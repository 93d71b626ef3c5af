"""What people read of a bounty: the guide's example parses, names from data are escaped, rejection is no equality."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.fairness.bounty import Assumed, BountyRules, PointerDecisionList
from harness.fairness.bounty.checker import ROUND_COLUMNS
from harness.predicates import parse
from harness.report.bounties.answers import ClosedBounty, Preview, Previewed, Status, Verified
from harness.report.bounties.how_to import how_to
from harness.report.bounties.page import render_page
from harness.report.bounties.screen import show_bounty
from harness.report.bounties.seen import Seen
from harness.results.bounties.folder import shown_json
from harness.results.bounties.rules import DeclaredColumn, Half, LeftOut, PublicRules, read_rules
from harness.results.bounties.standing import Answered, Closed, Standing, Submitted, Verdict
from harness.results.bounties.submission import parsed_submission

EVIL = "<script>alert(1)</script> | `\u202e\x1b[31m`"
RULES = PublicRules(
    name=f"corpus {EVIL}",
    base="base",
    systems=("other",),
    columns=(
        DeclaredColumn("my accent", "text", "accent", "self_reported", (EVIL, "north")),
        DeclaredColumn("snr_db", "number", "acoustic", "measured"),
    ),
    rules=BountyRules(),
    development=Half(50, 500, 4000),
    holdout=Half(51, 510, 4100),
    left_out=LeftOut(3, 4),
    condition="clean",
    normalizer="auto",
    hypotheses=True,
    backends={"whisper": ("beam_size",)},
    texts=True,
    commitment="c" * 64,
)
AT = "2026-11-23T00:00:00+00:00"
SUBMITTED = (
    Submitted(1, 2, AT, "d", None, f'`my accent` == "{EVIL}"', "other"),
    Submitted(2, 3, AT, "d", None, "snr_db < 3", f"whisper {EVIL}"),
    Submitted(3, 4, AT, "d", "h", "true", "transcripts of the hunter's"),
)
ANSWERED = (
    Answered(1, 5, AT, "d", Verdict.accepted, 0.02, "j", "l", "r" * 64),
    Answered(2, 6, AT, "d", Verdict.could_not_be_run, None, "j", "l", "s" * 64),
)
STANDING = Standing(AT, {}, "c" * 64, SUBMITTED, ANSWERED, Closed(7, AT, "salt", "1", "r", "t" * 64), "t" * 64, 7)
NO_ROUNDS = pd.DataFrame(columns=list(ROUND_COLUMNS))


def seen(*, rules=RULES, rounds=True):
    predicate = parse("snr_db < 3", rules.predicate_columns)
    decisions = PointerDecisionList(PointerDecisionList.opened("base").decisions.prepended(predicate, "other"))
    rows = [(1, "everybody", "", 1.0, 0.4, 0.3, False), (1, SUBMITTED[0].predicate, "other", 0.2, 0.5, 0.25, False)]
    return Seen(rules, STANDING, decisions, pd.DataFrame(rows, columns=list(ROUND_COLUMNS)) if rounds else NO_ROUNDS)


def shown(answer):
    out = io.StringIO()
    show_bounty(answer, out)
    return out.getvalue()


def test_what_is_written_as_rules_is_read_as_the_same_rules(tmp_path):
    path = tmp_path / "rules.json"
    rules = replace(RULES, rules=BountyRules(assumed=Assumed.nothing, n_submissions=7))
    path.write_bytes(shown_json(rules.to_dict()))
    assert read_rules(path) == rules


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(RULES, id="a-system"),
        pytest.param(replace(RULES, systems=()), id="transcripts"),
        pytest.param(replace(RULES, systems=(), hypotheses=False), id="a-backend"),
        pytest.param(replace(RULES, columns=RULES.columns[1:]), id="a-number"),
    ],
)
def test_the_example_of_the_guide_is_a_submission(rules):
    text = how_to(rules, ["utterance_id", "words"])
    (example,) = [part.split("```")[0] for part in text.split("```json\n")[1:]]
    found = parsed_submission(example.encode(), rules, what="example")
    assert found.predicate.columns <= {each.name for each in rules.columns}
    assert json.loads(example)["by"]


def test_the_guide_shows_names_from_data_as_text():
    text = how_to(RULES, ["utterance_id"])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "corpus \\<script\\>" in text


def test_the_page_escapes_names_from_data_and_runs_nothing_of_them():
    page = render_page(seen())
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page


def test_the_page_draws_every_accepted_group_and_nothing_where_none_was_accepted():
    page = render_page(seen())
    assert '"before":0.5' in page.replace(" ", "")
    assert '"after":0.25' in page.replace(" ", "")
    assert '"before":' not in render_page(seen(rounds=False)).replace(" ", "")


def test_groups_whose_predicates_begin_alike_are_told_apart_by_their_round_where_they_are_cut():
    assert '"label":"1: `my accent`' in render_page(seen())


def test_the_page_says_who_was_served_worse_what_it_means_and_what_not():
    page = render_page(seen())
    assert "Outsiders showed 1 group whom base serves worse" in page
    assert "50.0 %" in page.replace("\u00a0", " ")
    assert "never means that both serve the group alike" in page
    assert "7 utterances of people without an id or who withdrew are in neither" in page
    assert "accent, self-reported" not in page  # the accepted list asks the SNR alone
    assert "1 accepted" not in page
    assert "not answered" in page


def test_a_bounty_that_accepted_nothing_is_no_evidence_of_equality():
    page = render_page(seen(rounds=False))
    assert "That is no evidence that it serves everybody alike" in page
    answer = ClosedBounty(Path("b"), Path("b/page"), RULES, STANDING, NO_ROUNDS)
    assert "no evidence that nobody is served worse" in shown(answer)


def test_what_an_acceptance_assumes_is_said_as_the_rules_have_it():
    symmetric = render_page(seen())
    nothing = render_page(seen(rules=replace(RULES, rules=BountyRules(assumed=Assumed.nothing))))
    assert "gain about as they lose" in symmetric
    assert "nothing of alternatives" in nothing
    assert "gain about as they lose" not in nothing


def test_the_guide_says_that_a_table_of_all_less_the_published_half_gives_the_sealed_one_away():
    assert "by taking away the published one" in how_to(RULES, ["words"])


def test_the_guide_says_whose_ids_are_known_where_transcripts_are_asked_for():
    assert "known to whoever has both lists of ids" in how_to(replace(RULES, hypotheses=True), ["words"])
    assert "known to whoever" not in how_to(replace(RULES, hypotheses=False), ["words"])


def test_the_page_begins_with_how_sure_it_is_and_on_which_day_it_ended():
    page = render_page(seen())
    opening = page.split('<header class="opening">')[1].split("</header>")[0]
    assert "shows any that is not so is at most 5.0" in opening
    assert f"closed {AT[:10]}<" in opening


def test_the_screen_steers_no_terminal():
    status = Status(Path("b"), RULES, STANDING, 1e-4, "it was closed")
    closed = ClosedBounty(Path("b"), Path("b/page"), RULES, STANDING, seen().rounds)
    for answer in (status, closed):
        assert "\x1b" not in shown(answer)
        assert "\u202e" not in shown(answer)


def test_the_screen_says_what_waits_and_at_which_level_the_next_is_asked():
    status = Status(Path("b"), RULES, replace(STANDING, closed=None), 1e-4, "")
    text = shown(status)
    assert "waits" in text
    assert "could not be run" in text
    assert "one-sided level 0.0001 (1 in 10,000)" in text
    assert "3 of 100 submissions, 1 waiting; 1 of 5 acceptances" in text


def test_the_screen_says_who_says_so_of_the_columns_that_the_groups_it_lists_are_made_of():
    asked = replace(STANDING, submitted=SUBMITTED[1:2], answered=ANSWERED[1:])
    status = Status(Path("b"), RULES, asked, 1e-4, "")
    assert "\nColumns: snr_db (acoustic, measured).\n" in shown(status)
    checked = replace(status, standing=STANDING, answered=ANSWERED[1:])
    assert "\nColumns: snr_db (acoustic, measured).\n" in shown(checked)
    both = replace(SUBMITTED[0], predicate='snr_db < 3 and `my accent` == "north"')
    told = shown(replace(status, standing=replace(asked, submitted=(both,), answered=())))
    assert "\nColumns: my accent (accent, self-reported); snr_db (acoustic, measured).\n" in told


def test_the_screen_of_the_end_says_it_too():
    rounds = pd.DataFrame([(1, "snr_db < 3", "other", 0.2, 0.5, 0.25, False)], columns=list(ROUND_COLUMNS))
    ended = ClosedBounty(Path("b"), Path("b/bounty.html"), RULES, STANDING, rounds)
    assert "\nColumns: snr_db (acoustic, measured).\n" in shown(ended)


def test_a_group_of_everybody_asks_no_column_and_one_that_cannot_be_read_may_ask_any():
    def status_of(submitted):
        return Status(Path("b"), RULES, replace(STANDING, submitted=(submitted,), answered=()), 1e-4, "")

    assert "Columns:" not in shown(status_of(replace(SUBMITTED[2], n=1)))
    assert "my accent (accent, self-reported); snr_db (acoustic, measured)" in shown(status_of(SUBMITTED[0]))


def test_the_screen_of_a_check_names_every_problem_and_what_was_not_checked():
    damaged = Verified(Path("b"), 7, 2, None, ("list.json: was changed.",))
    assert "list.json: was changed." in shown(damaged)
    assert "b is NOT as it was written: 1 problem." in shown(damaged)
    assert "answers were not computed again" in shown(replace(damaged, problems=(), n_answers=None))


def test_a_preview_says_what_is_missing_and_that_the_sealed_half_has_other_people():
    judged = Preview(12, 300, 0.07, 0.4, 0.3, 0.007, -0.001, 0.02, would_be_accepted=False, reason="too uncertain")
    previewed = Previewed(
        Path("b"), RULES, "snr_db < 3", "other", judged, 1e-4, "", (("my accent", "self_reported"),), ""
    )
    text = shown(previewed)
    assert "By this half it would be rejected (too uncertain); the sealed one has other people" in text
    assert "my accent is self-reported: for evaluation" in text
    assert "Not judged on the published half: not run" in shown(
        replace(previewed, judgement=None, not_judged="not run")
    )


def test_one_of_anything_is_told_as_one():
    rules = replace(RULES, rules=BountyRules(n_submissions=1, n_acceptances=1), left_out=LeftOut(1, 0))
    one = replace(STANDING, submitted=SUBMITTED[:1], answered=ANSWERED[:1], closed=None)
    assert "1 of 1 submission, 0 waiting; 1 of 1 acceptance." in shown(Status(Path("b"), rules, one, 1e-4, ""))
    verified = shown(Verified(Path("b"), 1, 1, True, ()))
    assert "1 line of the ledger is whole; files and answers are as it says." in verified
    assert "1 answer computed again agrees." in verified
    page = render_page(replace(seen(rules=rules, rounds=False), standing=one))
    assert "Nothing was accepted of 1 answered submission on base." in page
    assert "At most 1 submission is answered and 1 accepted" in page
    assert "1 utterance of people without an id or who withdrew is in neither" in page
