"""Audit options in, settings out: what is heard, what each is compared with, and what is refused."""

import pytest

from harness.errors import UsageError
from harness.pipelines.audit_settings import AuditOptions, Factor, settings, variant_names
from harness.transcription.executors import Order

PRECISIONS = [{"dtype": "float32"}, {"dtype": "bfloat16"}]


def told(**options):
    return {each.name: (each.told_changes, each.against) for each in settings(AuditOptions(**options))}


def test_one_thing_changes_at_a_time_and_each_order_is_heard_with_the_largest_batch_too():
    assert told() == {
        "reference": ("", "reference"),
        "repeat": ("repeat", "reference"),
        "batch=8": ("batch", "reference"),
        "batch=32": ("batch", "reference"),
        "order=manifest": ("order", "reference"),
        "batch=32 order=manifest": ("order", "batch=32"),
        "workers=2": ("workers", "reference"),
    }


def test_a_setting_is_what_its_name_says():
    by_name = {each.name: each for each in settings(AuditOptions(variants=PRECISIONS))}
    both = by_name["batch=32 order=manifest"]
    assert (both.batch_size, both.order, both.workers, both.variant) == (32, Order.manifest, 1, "dtype=float32")
    assert by_name["dtype=bfloat16"].batch_size == 1
    assert by_name["repeat"].batch_size == by_name["reference"].batch_size
    assert by_name["workers=2"].workers == 2


def test_variants_are_compared_with_the_first_of_them():
    assert told(variants=PRECISIONS)["dtype=bfloat16"] == ("variant", "reference")


def test_a_grid_has_everything_with_everything_and_compares_what_differs_in_one_factor():
    found = told(variants=PRECISIONS, grid=True, repeat=False)
    assert len(found) == 2 * 3 * 2 * 2
    assert found["dtype=bfloat16"] == ("variant", "reference")
    assert found["dtype=bfloat16 batch=8"] == ("batch", "dtype=bfloat16")
    assert found["batch=8 order=manifest workers=2"] == ("workers", "batch=8 order=manifest")
    assert found["batch=8 order=manifest"] == ("order", "batch=8")


@pytest.mark.parametrize("grid", [False, True])
def test_every_setting_differs_in_one_factor_from_one_that_is_heard_too(grid):
    planned = settings(AuditOptions(variants=PRECISIONS, grid=grid))
    by_name = {each.name: each for each in planned}
    for each in planned[2:]:
        against = by_name[each.against]
        names = ("variant", "batch_size", "order", "workers")
        differing = [name.removesuffix("_size") for name in names if getattr(each, name) != getattr(against, name)]
        assert differing == [factor.value for factor in each.changes]
        assert len(differing) == 1


def test_folders_are_safe_and_apart():
    found = settings(AuditOptions(variants=[{"model": "../../a b"}, {"model": "../../a/b"}]))
    folders = [each.folder for each in found]
    assert folders[:2] == ["00_reference", "01_repeat"]
    assert len(set(folders)) == len(folders)
    assert not any("/" in name or " " in name for name in folders)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"batch_sizes": []}, "audit.batch_sizes", id="none"),
        pytest.param({"batch_sizes": [0]}, "audit.batch_sizes", id="no-clips"),
        pytest.param({"batch_sizes": [8, 8]}, "audit.batch_sizes", id="twice"),
        pytest.param({"workers": [-1]}, "audit.workers", id="fewer-than-none"),
        pytest.param({"orders": []}, "audit.orders", id="no-order"),
        pytest.param({"n_utterances": 0}, "audit.n_utterances", id="no-utterances"),
        pytest.param({"variants": [{"a": 1}, {"a": 1}]}, "audit.variants", id="the-same-variant"),
        pytest.param({"variants": [{}, {}]}, "audit.variants", id="the-same-empty-variant"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(options, said):
    with pytest.raises(UsageError, match=said):
        AuditOptions(**options)


def test_a_reference_alone_is_no_audit():
    alone = AuditOptions(batch_sizes=[1], orders=[Order.manifest], workers=[1], repeat=False)
    with pytest.raises(UsageError, match="nothing to compare"):
        settings(alone)


def test_precision_alone_does_not_fail_an_audit():
    assert set(Factor) - set(AuditOptions().fail_on) == {Factor.variant}


def test_no_variants_are_the_backend_as_it_is():
    assert variant_names(None) == variant_names([{}]) == ["as configured"]
