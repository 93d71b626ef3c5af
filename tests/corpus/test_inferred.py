"""What is guessed about people is refused, however it is declared; a name that admits it is pointed at."""

import json
from pathlib import Path

import pytest
import yaml

from harness.corpus import Attribute, AttributeKind, Manifest, Provenance
from harness.corpus.inferred import doubt, refusal
from harness.errors import ManifestError


@pytest.mark.parametrize(
    ("name", "kind", "provenance"),
    [
        pytest.param("gender", "demographic", "inferred", id="demographic"),
        pytest.param("accent", "accent", "inferred", id="accent-of-a-classifier"),
        pytest.param("dialect", "dialect", "inferred", id="dialect-of-a-classifier"),
        pytest.param("gender", "demographic", " INFERRED ", id="capitals-and-spaces"),
        pytest.param("gender", "demographic", "Predicted", id="another-word-for-it"),
        pytest.param("origin", None, "inferred", id="kind-missing"),
        pytest.param("origin", "ethnic", "inferred", id="kind-unknown"),
        pytest.param("gender", "content", "inferred", id="gender-called-content"),
        pytest.param("speakerAge", "acoustic", "inferred", id="age-called-acoustic"),
        pytest.param("native_language", "content", "inferred", id="native-language"),
        pytest.param("origin", Attribute, "inferred", id="no-text"),
    ],
)
def test_what_is_guessed_about_people_is_refused_and_the_reason_given(name, kind, provenance):
    told = refusal(name, kind, provenance)
    assert "which is refused" in told
    assert "never guessed from a voice" in told


@pytest.mark.parametrize(
    ("name", "kind", "provenance"),
    [
        pytest.param("topic", "content", "inferred", id="what-was-said"),
        pytest.param("noise_type", "acoustic", "inferred", id="the-recording"),
        pytest.param("average_level", "acoustic", "inferred", id="age-within-a-word"),
        pytest.param("gender", "demographic", "self_reported", id="self-reported"),
        pytest.param("accent", "accent", "annotated", id="heard-by-somebody"),
        pytest.param("age", "demographic", "", id="not-stated"),
        pytest.param("age", "demographic", None, id="absent"),
    ],
)
def test_what_is_not_guessed_about_people_is_allowed(name, kind, provenance):
    assert refusal(name, kind, provenance) == ""


def test_an_attribute_s_own_door_refuses_by_its_name_too():
    with pytest.raises(ManifestError, match="of people by its name, of kind content, and its provenance is inferred"):
        Attribute("guessed_gender", AttributeKind.content, Provenance.inferred)


def manifest_of(folder: Path, column: str, sheet: object) -> Manifest:
    rows = [{"utterance_id": str(i), "text": "a b", "speaker_id": "s", column: "x"} for i in range(3)]
    path = folder / "manifest.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    if sheet is not None:
        (folder / "datasheet.yaml").write_text(yaml.safe_dump(sheet), encoding="utf-8")
    return Manifest.load(path, require_audio=False)


@pytest.mark.parametrize(
    "sheet",
    [
        pytest.param(
            {"attributes": {"gender_predicted": {"kind": "demographic", "provenance": "self_reported"}}},
            id="declared-self-reported",
        ),
        pytest.param(None, id="no-datasheet"),
    ],
)
def test_a_name_that_admits_a_guess_is_noted_with_what_to_do(tmp_path, sheet):
    (note,) = [each for each in manifest_of(tmp_path, "gender_predicted", sheet).notes if "gender_predicted" in each]
    assert "its name says that it was predicted: if so, remove it" in note


@pytest.mark.parametrize("name", ["gender", "predicted_topic", "pred", "snr_estimated"])
def test_a_name_that_admits_no_guess_about_people_is_not_noted(name):
    assert doubt(name, "content", "annotated") == ""
