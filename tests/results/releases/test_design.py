"""What a release tells people apart by is declared, by people themselves or an instrument, before anyone looked."""

import pytest

from harness.errors import UsageError
from harness.results.releases.design import chosen_dimensions, private_dimensions, slices_of

ATTRIBUTES = {
    "accent": {"kind": "accent", "provenance": "self_reported", "order": []},
    "gender": {"kind": "demographic", "provenance": "self_reported", "order": ["female", "male"]},
    "snr_db": {"kind": "acoustic", "provenance": "measured", "order": ["<10", ">=10"]},
}


def test_slices_are_those_of_the_datasheet_and_those_that_the_owner_declares():
    found = private_dimensions(ATTRIBUTES, by=None, slices={"accent": ["us", "indian"]})
    assert slices_of(found) == {"accent": ("us", "indian"), "gender": ("female", "male")}
    assert [each.provenance for each in found] == [("self_reported",), ("self_reported",)]


def test_without_a_choice_a_release_is_by_what_people_are_and_not_by_recordings():
    assert [each.name for each in chosen_dimensions(ATTRIBUTES, by=None)] == ["accent", "gender"]


def test_an_intersection_has_every_combination_of_what_is_declared():
    found = private_dimensions(ATTRIBUTES, by=["accent & gender", "overall"], slices={"accent": ["a & b", "c"]})
    assert slices_of(found) == {
        "accent & gender": ("a and b & female", "a and b & male", "c & female", "c & male"),
        "overall": ("all",),
    }


def test_the_owner_s_values_take_the_place_of_the_datasheet_s():
    assert slices_of(private_dimensions(ATTRIBUTES, by=["gender"], slices={"gender": ["x"]})) == {"gender": ("x",)}


@pytest.mark.parametrize(
    ("by", "slices", "match"),
    [
        pytest.param(None, {}, r"nobody declared the values of 'accent'.*release\.slices='\{accent", id="undeclared"),
        pytest.param(["accent"], {"accent": []}, "nobody declared", id="empty"),
        pytest.param(["tone"], {}, r"'tone', which the run has no attribute of; it has \['accent'", id="unknown"),
        pytest.param(["speaker_id"], {}, "nothing of one person", id="people"),
        pytest.param(["gender & speaker_id"], {}, "nothing of one person", id="people-crossed"),
        pytest.param(["gender & gender"], {}, "with itself", id="with-itself"),
        pytest.param([], {}, "names nothing", id="nothing"),
        pytest.param(["gender"], {"acent": ["us"]}, r"'acent', which the release is not by", id="misspelt"),
        pytest.param(["gender"], {"gender": ["f", "f"]}, "each named once", id="twice"),
        pytest.param(["gender"], {"gender": [" "]}, "on one line of 1 to 200", id="blank"),
        pytest.param(["gender"], {"gender": ["a\nb"]}, "on one line", id="two-lines"),
        pytest.param(["gender"], {"gender": ["x" * 201]}, "on one line of 1 to 200", id="long"),
        pytest.param(
            ["gender & snr_db"],
            {"gender": [str(n) for n in range(101)], "snr_db": [str(n) for n in range(100)]},
            "10,100 slices; at most 10,000",
            id="many",
        ),
    ],
)
def test_what_cannot_be_released_is_refused_with_what_to_write(by, slices, match):
    with pytest.raises(UsageError, match=match):
        private_dimensions(ATTRIBUTES, by=by, slices=slices)


def test_all_that_cannot_be_released_is_named_at_once():
    told = {"kind": "demographic", "provenance": "self_reported"}
    attributes = ATTRIBUTES | {"age": told, "guess": told | {"provenance": "inferred"}}
    by = ["tone & pitch", "speaker_id", "guess", "accent", "age", "gender & gender"]
    with pytest.raises(UsageError) as refused:
        private_dimensions(attributes, by=by, slices={"gender": ["x", "x"], "acent": ["us"], "aeg": ["20"]})
    for words in (
        "names 'tone', 'pitch', which the run has no attribute of",
        "names speaker_id: a release says nothing of one person",
        "names 'guess', which is of kind demographic and its provenance is inferred",
        "names 'gender & gender', which crosses",
        "has values of 'acent', 'aeg', which the release is not by",
        "nobody declared the values of 'accent', 'age'. ",
        "release.slices='{accent: [VALUE, VALUE], age: [VALUE, VALUE]}'",
        "values of 'gender' must be texts on one line of 1 to 200 characters, each named once",
    ):
        assert words in str(refused.value)


@pytest.mark.parametrize("kind", ["accent", "demographic"])
def test_what_a_program_guessed_about_people_is_refused(kind):
    guessed = {"gender": {"kind": kind, "provenance": "inferred", "order": ["female", "male"]}}
    with pytest.raises(UsageError, match="provenance is inferred, which is refused"):
        private_dimensions(guessed, by=["gender"], slices={})
    with pytest.raises(UsageError, match="inferred"):
        chosen_dimensions(guessed, by=None)


def test_a_thousand_slices_are_allowed():
    values = [f"v{n}" for n in range(1_000)]
    assert len(slices_of(private_dimensions(ATTRIBUTES, by=["gender"], slices={"gender": values}))["gender"]) == 1_000
