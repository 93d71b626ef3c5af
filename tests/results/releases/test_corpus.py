"""A corpus has one ledger: beside its manifest, or where its folder says; two for the same people are refused."""

import json
from pathlib import Path

import pytest
import yaml

from harness.errors import UsageError
from harness.fairness.privacy import Spent
from harness.results import Run
from harness.results.ledger import Ledger
from harness.results.releases.budget import FILE, BudgetError, Hides
from harness.results.releases.corpus import budget_beside, budget_of, known_budget, point_to


def run_of(folder: Path, manifest: object, name: str = "tones") -> Run:
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump({"manifest": {"path": manifest}}), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps({"manifest": {"name": name, "digest": "d"}}), encoding="utf-8")
    return Run(folder)


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "corpus" / "manifest.csv"
    path.parent.mkdir()
    path.write_text("utterance_id\n", encoding="utf-8")
    return path


def spend(budget):
    return budget.spend(Spent(0.5, 0.0), {}, hides=Hides.presence, total=Spent(1.0, 0.0))


def test_the_ledger_lies_beside_the_manifest_and_is_one_for_all_runs(tmp_path, manifest):
    spend(budget_of(run_of(tmp_path / "a", str(manifest))))
    other = budget_of(run_of(tmp_path / "b", str(manifest)))
    assert other.path == manifest.parent.resolve() / FILE
    assert other.account().spent == Spent(0.5, 0.0)


def test_a_link_to_a_manifest_has_the_ledger_of_the_manifest(tmp_path, manifest):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "manifest.csv"
    link.symlink_to(manifest)
    assert budget_of(run_of(tmp_path / "a", str(link))).path == manifest.parent.resolve() / FILE


@pytest.mark.parametrize("path", ["gone/manifest.csv", None, "a\0b", {"a": 1}], ids=["gone", "none", "nul", "no-text"])
def test_without_the_manifest_the_owner_says_where_the_ledger_is(tmp_path, path):
    run = run_of(tmp_path / "a", path)
    with pytest.raises(UsageError, match=r"release\.ledger=FILE, the same file for every release"):
        budget_of(run)
    assert budget_of(run, ledger=tmp_path / "kept.jsonl").path == tmp_path / "kept.jsonl"
    assert known_budget(run) is None


def test_a_ledger_elsewhere_is_found_again_without_being_named(tmp_path, manifest):
    run, elsewhere = run_of(tmp_path / "a", str(manifest)), tmp_path / "kept.jsonl"
    budget = budget_of(run, ledger=elsewhere)
    spend(budget)
    point_to(budget, run)
    point_to(budget, run)  # once said it is said
    assert len(Ledger(manifest.parent / FILE).entries()) == 1
    found = [budget_of(run), known_budget(run), budget_beside(manifest, "x")]
    assert [each.account().spent for each in found] == [Spent(0.5, 0.0)] * 3
    with pytest.raises(BudgetError, match="two budgets for the same people"):
        budget_of(run, ledger=tmp_path / "another.jsonl")


def test_a_ledger_elsewhere_that_is_gone_is_no_new_budget(tmp_path, manifest):
    run, elsewhere = run_of(tmp_path / "a", str(manifest)), tmp_path / "kept.jsonl"
    budget = budget_of(run, ledger=elsewhere)
    spend(budget)
    point_to(budget, run)
    for path in (elsewhere, tmp_path / "kept.jsonl.head"):
        path.unlink()
    with pytest.raises(BudgetError, match="Bring it back"):
        budget_of(run)


def test_another_manifest_of_the_same_people_shares_their_budget_by_name(tmp_path, manifest):
    part = manifest.with_name("part.csv")
    part.write_text("utterance_id\n", encoding="utf-8")
    spend(budget_of(run_of(tmp_path / "a", str(manifest))))
    run = run_of(tmp_path / "b", str(part), name="part")
    with pytest.raises(BudgetError, match=r"release\.corpus='tones'"):
        budget_of(run).account()
    assert budget_of(run, name="tones").account().spent == Spent(0.5, 0.0)


def test_a_folder_that_cannot_be_written_does_without_saying_where_the_ledger_is(tmp_path, manifest):
    run = run_of(tmp_path / "a", str(manifest))
    budget = budget_of(run, ledger=tmp_path / "kept.jsonl")
    spend(budget)
    (manifest.parent / f".{FILE}.head.part").mkdir()  # stands in for a folder without permission, which root has not
    point_to(budget, run)
    assert budget.account().spent == Spent(0.5, 0.0)


@pytest.mark.parametrize("made_at", [".", "runs/rescore/new"], ids=["beside", "below"])
def test_a_relative_manifest_has_its_ledger_wherever_the_command_is_called_from(
    tmp_path, manifest, monkeypatch, made_at
):
    (tmp_path / made_at).mkdir(parents=True, exist_ok=True)
    run = run_of(tmp_path / made_at / "a", "corpus/manifest.csv")
    monkeypatch.chdir(tmp_path)
    spend(budget_of(run))
    (tmp_path / "elsewhere" / "corpus").mkdir(parents=True)
    (tmp_path / "elsewhere" / "corpus" / "manifest.csv").touch()  # of the same name, without a ledger
    for place in (tmp_path / "elsewhere", tmp_path / "corpus"):
        monkeypatch.chdir(place)
        found = known_budget(run)
        assert found is not None
        assert found.path == budget_of(run).path == manifest.parent.resolve() / FILE
        with pytest.raises(BudgetError, match="cannot be published any more"):
            found.check_publish()
