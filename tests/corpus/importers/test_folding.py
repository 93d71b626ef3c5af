"""Spellings are brought together as a table says, whole values first; what it does not name stays and is counted."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.attributes import AttributeKind, Provenance
from harness.corpus.importers.datasheets import datasheet
from harness.corpus.importers.folding import FOLDER, LONGEST_PARTED, MOST_PARTS, read_folding, read_foldings
from harness.errors import ManifestError, UsageError

INDIA = "India and South Asia (India, Pakistan, Sri Lanka)"
INDIES = "West Indies and Bermuda (Bahamas, Bermuda, Jamaica, Trinidad)"
US, ENGLAND = "United States English", "England English"
TABLES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def table(tmp_path, **changes):
    values = {"us": "America", "US English": "America", "a, b": "both", "b": "bee"}
    attribute = {"from": "accents", "between": ",", "values": values, **changes}
    content = {"name": "mine", "source": "me", "attributes": {"group": attribute}}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("us", [US], id="an old code"),
        pytest.param("UNITED states ENGLISH", [US], id="other capitals"),
        pytest.param(INDIA, [INDIA], id="a name with commas of its own"),
        pytest.param(f"{US},{ENGLAND}", [US, ENGLAND], id="two names"),
        pytest.param(f"{US}, {ENGLAND}", [US, ENGLAND], id="a space after the comma"),
        pytest.param(f"{INDIA},Basic", [INDIA, "Basic"], id="a name with commas and own words"),
        pytest.param(f"wolof,{INDIES},{INDIA},{US}", ["wolof", INDIES, INDIA, US], id="several names with commas"),
        pytest.param(f"{US}|wolof", [US, "wolof"], id="as newer versions part them"),
        pytest.param(f"{US},American English", [US], id="twice the same"),
        pytest.param(f"{US},", [US], id="a comma at the end"),
        pytest.param("India, Pakistan", ["India", "Pakistan"], id="a part of a name is not the name"),
        pytest.param(",", [","], id="a comma alone"),
        pytest.param("Israeli's accent", ["Israeli's accent"], id="own words"),
        pytest.param("other", ["other"], id="a choice that means nothing"),
    ],
)
def test_common_voices_accents_are_folded_whole_first(said, groups):
    assert read_folding("common_voice_accents").folded({"accents": said})["accent_group"] == groups


def test_the_corpus_s_own_value_stays_beside_the_folded_one():
    said = {"accents": "us", "age": "teens"}
    assert read_folding("common_voice_accents").folded(said) == {**said, "accent_group": [US]}
    assert read_folding("common_voice_accents").folded({"age": "teens"}) == {"age": "teens"}


def test_values_that_the_table_does_not_name_are_counted_every_time():
    folding = read_folding("common_voice_accents")
    for _ in range(3):
        folding.folded({"accents": f"{US},wolof"})
    folding.folded({"accents": ""})
    assert folding.n_unnamed == {"accent_group": {"wolof": 3}}


def test_a_cell_that_is_prose_stays_whole(tmp_path):
    folding = read_folding(table(tmp_path))
    for prose in ("b," * MOST_PARTS, "b," + "x" * LONGEST_PARTED):
        assert folding.folded({"accents": prose})["group"] == [prose]


def test_lists_and_what_is_no_text_are_folded_part_by_part(tmp_path):
    folding = read_folding(table(tmp_path))
    assert folding.folded({"accents": ["us", "b", "x"]})["group"] == ["America", "bee", "x"]
    assert folding.folded({"accents": None})["group"] is None


def test_without_signs_between_values_a_cell_is_one_value(tmp_path):
    folding = read_folding(table(tmp_path, between=""))
    assert folding.folded({"accents": "us"})["group"] == "America"
    assert folding.folded({"accents": "b,us"})["group"] == "b,us"


@given(parts=st.lists(st.sampled_from(["us", "a, b", "b", "US English", "x y", "é"]), min_size=1, max_size=8))
def test_values_joined_by_commas_are_found_again(parts, tmp_path_factory):
    folding = read_folding(table(tmp_path_factory.mktemp("table")))
    new = {"us": "America", "US English": "America", "a, b": "both", "b": "bee"}
    assert folding.folded({"accents": ",".join(parts)})["group"] == list(
        dict.fromkeys(new.get(part, part) for part in parts)
    )


def test_a_folded_attribute_has_kind_and_provenance_of_what_it_is_made_from():
    folding = read_folding("common_voice_accents")
    declared = folding.attributes[0].declared(datasheet("common_voice"))
    assert (declared.kind, declared.provenance) == (AttributeKind.accent, Provenance.self_reported)
    assert declared.multivalued
    assert "Reid" in declared.description
    assert folding.attributes[0].declared(datasheet("fsdd")) is None


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_comes_with_the_harness_folds_what_its_corpus_declares_and_names_its_source(name):
    folding = read_folding(name)
    sheet = datasheet({"artie": "artie", "edacc": "edacc"}.get(name.split("_")[0], "common_voice"))
    for each in folding.attributes:
        assert each.source in {attribute.name for attribute in sheet.attributes}
        assert each.name not in {attribute.name for attribute in sheet.attributes}
        assert each.description
        assert set(each.values.values()) <= {each.named(value) or value for value in each.values.values()}
    assert len(folding.source) > 80


def test_groups_of_the_tables_for_accents_have_the_same_names():
    common_voice = {*read_folding("common_voice_accents").attributes[0].values.values()}
    for name in ("artie_accents", "edacc_accents"):
        assert {*read_folding(name).attributes[0].values.values()} <= common_voice


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"from": None}, "expected from, values", id="from nothing"),
        pytest.param({"values": []}, "expected from, values", id="no values"),
        pytest.param({"from": "group"}, "made from itself", id="from itself"),
        pytest.param({"more": 1}, "expected from, values", id="an unknown key"),
        pytest.param({"values": {"us": "a", "US": "b"}}, "names 'us' twice", id="a value twice"),
        pytest.param({"values": {False: "a"}}, "Put them in quotes", id="a value that is no text"),
        pytest.param({"between": "and"}, "expected signs", id="letters between values"),
        pytest.param({"between": 3}, "expected signs", id="a number between values"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path, changes, said):
    with pytest.raises(ManifestError, match=said):
        read_folding(table(tmp_path, **changes))


def test_a_table_without_source_or_attributes_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: x\nattributes: {a: {from: b, values: {}}}\n")
    with pytest.raises(ManifestError, match="has no source"):
        read_folding(str(path))
    path.write_text("source: x\nodd: 1\n")
    with pytest.raises(ManifestError, match="unknown key 'odd'"):
        read_folding(str(path))


def test_an_unknown_table_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="expected a YAML file or one of artie_accents, common_voice_accents"):
        read_folding("absent")


def test_several_tables_fold_at_once_and_each_attribute_names_its_own_source():
    both = read_foldings(["common_voice_accents", "common_voice_genders"])
    assert {each.said_by for each in both.attributes} == {
        read_folding(name).source for name in ("common_voice_accents", "common_voice_genders")
    }
    assert read_foldings([]) is None
    with pytest.raises(UsageError, match="is made by two of these tables"):
        read_foldings(["common_voice_accents", "artie_accents"])
