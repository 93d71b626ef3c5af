"""A budget that is spent is spent, once, by one release at a time; exact and private are never both."""

import multiprocessing
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import StorageError
from harness.fairness.privacy import Spent
from harness.results.ledger import HEAD, Ledger, LedgerError
from harness.results.releases.budget import EXACT, OPENED, SPENT, WRITTEN, Budget, BudgetError, Hides

WHAT = {"method": "laplace", "dimensions": {"accent": ["north", "south"]}}
TOTAL = Spent(1.0, 1e-5)


@pytest.fixture
def budget(tmp_path):
    return Budget(tmp_path / "releases.jsonl", "tones")


def spend(budget, epsilon=0.25, delta=0.0, total=TOTAL, hides=Hides.presence):
    return budget.spend(Spent(epsilon, delta), WHAT, hides=hides, total=total)


@pytest.mark.parametrize(
    ("first", "advice"),
    [(Hides.presence, r"Leave release\.words_are_public"), (Hides.errors, r"Give release\.words_are_public=true")],
)
def test_all_releases_of_a_corpus_hide_the_same_of_a_person_as_the_first_does(budget, first, advice):
    (other,) = set(Hides) - {first}
    spend(budget, hides=first)
    before = budget.path.read_bytes()
    with pytest.raises(BudgetError, match=rf"releases\.jsonl:2: the private release of .* hides .* {advice}"):
        spend(budget, hides=other)
    with pytest.raises(BudgetError, match=advice):
        budget.check_spend(Spent(0.25, 0.0), hides=other, total=None)
    assert budget.path.read_bytes() == before
    spend(budget, hides=first)


def test_beside_a_release_that_does_not_say_what_it_hides_none_is_made(budget):
    Ledger(budget.path).append(OPENED, {"corpus": "tones", "epsilon": 1.0, "delta": 1e-5})
    Ledger(budget.path).append(SPENT, {"epsilon": 0.25, "delta": 0.0, **WHAT})
    for hides in Hides:
        with pytest.raises(BudgetError, match="does not say what of a person it hides"):
            spend(budget, hides=hides)


def test_the_first_release_chooses_the_budget_and_each_spends_of_it(budget):
    spend(budget, 0.25, 1e-6)
    spend(budget, 0.5, total=None)
    account = budget.account()
    assert (account.total, account.spent) == (TOTAL, Spent(0.75, 1e-6))
    assert (account.left.epsilon, account.left.delta) == pytest.approx((0.25, 9e-6))
    assert [entry.kind for entry in Ledger(budget.path).entries()] == [OPENED, SPENT, SPENT]


def test_three_times_a_tenth_is_three_tenths(budget):
    for _ in range(3):
        spend(budget, 0.1, total=Spent(0.3, 0.0))
    assert budget.account().left == Spent(0.0, 0.0)


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(0.51, 0.0), (0.2, 2e-5), (0.5000001, 0.0)], ids=["epsilon", "delta", "a-little"]
)
def test_what_is_not_left_is_refused_with_what_is(budget, epsilon, delta):
    spend(budget, 0.5)
    before = budget.path.read_bytes()
    with pytest.raises(BudgetError, match=r"ε=0\.5, δ=1e-05 is left for corpus 'tones', found .* asked for"):
        spend(budget, epsilon, delta)
    assert budget.path.read_bytes() == before


def test_a_first_release_that_costs_more_than_the_budget_opens_none(budget):
    with pytest.raises(BudgetError, match="nothing was drawn"):
        spend(budget, 2.0)
    assert budget.account().corpus is None


def test_a_budget_has_to_be_chosen(budget):
    with pytest.raises(BudgetError, match=r"no budget yet.*release\.total_epsilon"):
        spend(budget, total=None)


@pytest.mark.parametrize("total", [Spent(2.0, 1e-5), Spent(0.5, 1e-5), Spent(1.0, 1e-4)])
def test_a_budget_cannot_be_changed_and_the_refusal_says_why(budget, total):
    spend(budget)
    with pytest.raises(BudgetError, match="promised to the people in it"):
        spend(budget, total=total)
    spend(budget, total=TOTAL)  # the same said again is no change


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan"), float("inf"), 1e-300, 1e6, 20.1])
def test_a_budget_that_is_no_promise_is_refused(budget, epsilon):
    with pytest.raises(BudgetError, match=r"release\.total_epsilon="):
        spend(budget, total=Spent(epsilon, 0.0))
    assert budget.account().corpus is None


@pytest.mark.parametrize("delta", [-1e-9, float("nan"), 1.1e-4, 1.0])
def test_a_delta_that_is_no_promise_is_refused(budget, delta):
    with pytest.raises(BudgetError, match=r"release\.total_delta="):
        spend(budget, total=Spent(1.0, delta))


@settings(max_examples=30, deadline=None)
@given(asked=st.lists(st.floats(0.001, 0.6), max_size=8))
def test_whatever_is_asked_for_never_more_than_the_budget_is_spent(tmp_path_factory, asked):
    budget, spent = Budget(tmp_path_factory.mktemp("budget") / "releases.jsonl", "tones"), Fraction(0)
    for epsilon in asked:
        exact = Fraction(repr(epsilon))
        if spent + exact <= 1:
            spend(budget, epsilon)
            spent += exact
        else:
            with pytest.raises(BudgetError):
                spend(budget, epsilon)
    assert budget.account().spent.epsilon == pytest.approx(float(spent), abs=1e-15)


def _try(path: Path, together: "multiprocessing.Barrier", told: "multiprocessing.Queue[bool]") -> None:
    together.wait()
    try:
        spend(Budget(path, "tones"), 0.5, total=None)
    except BudgetError:
        told.put(False)
    else:
        told.put(True)


def test_of_several_at_once_only_as_many_spend_as_there_is_left(budget):
    spend(budget, 0.5)
    context = multiprocessing.get_context("fork")
    together, told = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_try, args=(budget.path, together, told)) for _ in range(4)]
    for process in processes:
        process.start()
    answers = [told.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(answers) == [False, False, False, True]
    assert budget.account().spent == TOTAL.__class__(1.0, 0.0)


def test_after_exact_numbers_no_private_release_is_made(budget):
    budget.publish({"method": "suppression"})
    with pytest.raises(BudgetError, match=r"releases\.jsonl:2: exact numbers .*\(suppression\).*protects nobody"):
        spend(budget)


def test_after_a_private_release_no_exact_numbers_are_published(budget):
    spend(budget)
    with pytest.raises(BudgetError, match=r"releases\.jsonl:2: .* 1 private release, .* promise"):
        budget.publish({"method": "suppression"})
    with pytest.raises(BudgetError):
        Budget(budget.path).check_publish()  # whoever asks without a name, too
    assert [entry.kind for entry in Ledger(budget.path).entries()] == [OPENED, SPENT]


def test_exact_numbers_may_be_published_again(budget):
    budget.publish({"method": "suppression"})
    budget.publish({"method": "suppression"})
    assert [entry.kind for entry in budget.account().exact] == [EXACT, EXACT]


def test_a_release_that_was_begun_and_not_written_is_spent_and_told(budget):
    finished, lost = spend(budget), spend(budget)
    budget.finish(finished)
    assert [entry.n for entry in budget.account().unfinished] == [lost.n]
    assert budget.account().spent.epsilon == 0.5
    with pytest.raises(BudgetError, match="1 of these was begun and never written"):
        spend(budget, 0.6)


def test_a_ledger_of_another_corpus_is_refused_with_what_to_say(budget):
    spend(budget)
    with pytest.raises(BudgetError, match=r"ledger of corpus 'tones'; the run is of 'others'.*release\.corpus='tones'"):
        Budget(budget.path, "others").account()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_edited_line_is_refused_by_its_number(budget, n):
    spend(budget)
    spend(budget)
    lines = budget.path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[n - 1] = lines[n - 1].replace('"epsilon":0.25', '"epsilon":0.01').replace('"epsilon":1.0', '"epsilon":9.0')
    budget.path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(LedgerError, match=rf"releases\.jsonl:{n}: changed after it was written"):
        spend(budget, total=None)


def test_a_ledger_that_was_cut_gives_nothing_back(budget):
    for _ in range(3):
        spend(budget)
    lines = budget.path.read_text(encoding="utf-8").splitlines(keepends=True)
    budget.path.write_text("".join(lines[:2]), encoding="utf-8")
    with pytest.raises(LedgerError, match=r"releases\.jsonl:3: the ledger ends here"):
        spend(budget, total=None)


def test_a_ledger_that_is_gone_gives_nothing_back(budget):
    spend(budget)
    budget.path.unlink()
    with pytest.raises(LedgerError, match=r"is gone|It was cut"):
        spend(budget)


@pytest.mark.parametrize(
    ("kind", "content", "match"),
    [
        pytest.param(SPENT, {"epsilon": -5, "delta": 0}, r":2: has epsilon=-5", id="negative"),
        pytest.param(SPENT, {"epsilon": True, "delta": 0}, r":2: has epsilon=True", id="no-number"),
        pytest.param(SPENT, {"epsilon": 1}, r":2: has delta=None", id="absent"),
        pytest.param("gift", {}, r":2: 'gift' is no line", id="another-kind"),
        pytest.param(OPENED, {"corpus": "tones", "epsilon": 20, "delta": 0}, r":2: 'opened'", id="opened-twice"),
    ],
)
def test_a_line_that_no_release_writes_is_refused_though_its_chain_is_whole(budget, kind, content, match):
    ledger = Ledger(budget.path)
    ledger.append(OPENED, {"corpus": "tones", "epsilon": 1.0, "delta": 0.0})
    ledger.append(kind, content)
    with pytest.raises(LedgerError, match=match):
        budget.account()


def test_what_is_published_of_an_entry_tells_nothing_of_what_it_says(budget):
    """A digest of known content would let anybody try which content it is of: a secret is in it."""
    first, second = spend(budget), spend(budget)
    assert first.content["secret"] != second.content["secret"]
    assert len(str(first.content["secret"])) == 32


def test_a_ledger_that_cannot_be_written_stops_the_release_and_says_where_else(tmp_path):
    with pytest.raises(StorageError, match=r"no such folder; nothing was spent.*release\.ledger=FILE"):
        spend(Budget(tmp_path / "gone" / "releases.jsonl", "tones"))
    (tmp_path / f"releases.jsonl{HEAD}").mkdir()
    with pytest.raises((StorageError, LedgerError)):
        spend(Budget(tmp_path / "releases.jsonl", "tones"))


def test_finishing_is_written_down(budget):
    budget.finish(spend(budget))
    assert Ledger(budget.path).entries()[-1].kind == WRITTEN
