"""A ledger tells where a bounty stands; one whose lines are chained and say what cannot be is refused at the line."""

import pytest

from harness.fairness.bounty import BountyRules
from harness.results.bounties.standing import Verdict, standing_of
from harness.results.ledger import Ledger, LedgerError

OPENED = {"files": {"rules.json": "a" * 64}, "commitment": "b" * 64, "harness": "0"}


def submitted(n, digest="c"):
    return "submitted", {"submission": n, "digest": digest, "hypotheses": None, "predicate": "true", "alternative": "x"}


def answered(n, verdict="rejected", gain=None, digest="c"):
    told = {"submission": n, "digest": digest, "verdict": verdict, "gain": gain, "judgement": "d", "list": "e"}
    return "answered", told


def standing(tmp_path, *entries, first=("opened", OPENED)):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for kind, content in (first, *entries):
        ledger.append(kind, content)
    return standing_of(ledger.entries(), "ledger.jsonl")


def test_what_waits_what_was_answered_and_what_is_over(tmp_path):
    rules = BountyRules(n_submissions=3, n_acceptances=1)
    found = standing(tmp_path, submitted(1), submitted(2), answered(1))
    assert [each.n for each in found.pending] == [2]
    assert found.answered[0].verdict is Verdict.rejected
    assert found.why_over(rules) == ""
    Ledger(tmp_path / "ledger.jsonl").append(*answered(2, "accepted", 0.01))
    after = standing_of(Ledger(tmp_path / "ledger.jsonl").entries(), "")
    assert "acceptances declared: 1" in after.why_over(rules)
    assert after.n_accepted == 1


def test_what_could_not_be_run_counts_among_the_submissions(tmp_path):
    rules = BountyRules(n_submissions=1, n_acceptances=1)
    found = standing(tmp_path, submitted(1), answered(1, "could_not_be_run"))
    assert "submissions declared: 1, and all are answered" in found.why_over(rules)


IMPOSSIBLE = [
    pytest.param([submitted(2)], "ledger.jsonl:2: is not the next submission", id="a-number-left-out"),
    pytest.param([answered(1)], "ledger.jsonl:2: does not answer the next submission", id="an-answer-to-nothing"),
    pytest.param([submitted(1), answered(1), answered(1)], "ledger.jsonl:4: does not answer", id="an-answer-twice"),
    pytest.param(
        [submitted(1), answered(1, digest="z")], "answers another text than was submitted on line 2", id="other"
    ),
    pytest.param([submitted(1), answered(1, "rejected", 0.01)], "tells a gain of what was not accepted", id="a-gain"),
    pytest.param([submitted(1), answered(1, "accepted")], "or none of what was", id="no-gain"),
    pytest.param(
        [("closed", {"salt": "s", "seed": "1", "rounds": "r"}), submitted(1)],
        "ledger.jsonl:3: follows the end",
        id="after",
    ),
    pytest.param([("paid", {})], "ledger.jsonl:2: is of the kind 'paid'", id="another-kind"),
    pytest.param([submitted("1")], "not the ledger of a bounty", id="a-text-for-a-number"),
    pytest.param([("answered", {})], "not the ledger of a bounty", id="nothing-said"),
    pytest.param([submitted(1), answered(1, "maybe")], "not the ledger of a bounty", id="another-verdict"),
]


@pytest.mark.parametrize(("entries", "said"), IMPOSSIBLE)
def test_what_cannot_be_is_refused_at_its_line(tmp_path, entries, said):
    with pytest.raises(LedgerError, match=said):
        standing(tmp_path, *entries)


def test_the_ledger_of_something_else_is_refused(tmp_path):
    with pytest.raises(LedgerError, match="does not open a bounty"):
        standing(tmp_path, first=("released", {}))
    with pytest.raises(LedgerError, match="does not open a bounty"):
        standing_of([], "ledger.jsonl")
