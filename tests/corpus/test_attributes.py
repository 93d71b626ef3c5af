import pytest

from harness.corpus import Attribute, AttributeKind, Provenance
from harness.corpus.attributes import bin_labels
from harness.errors import ManifestError
from tests.corpus.builders import problems_of

KIND, SELF_REPORTED = AttributeKind.demographic, Provenance.self_reported


@pytest.mark.parametrize(
    ("number", "label"),
    [
        pytest.param(-5.0, "<30", id="below-all"),
        pytest.param(29.999, "<30", id="just-below-an-edge"),
        pytest.param(30.0, "30-60", id="an-edge-belongs-above"),
        pytest.param(59.9, "30-60", id="inside"),
        pytest.param(60.0, ">=60", id="last-edge"),
        pytest.param(1e300, ">=60", id="above-all"),
    ],
)
def test_bins_are_half_open(number: float, label: str) -> None:
    assert Attribute("age", KIND, SELF_REPORTED, bins=(30.0, 60.0)).bin_of(number) == label


@pytest.mark.parametrize(
    ("bins", "labels"),
    [
        pytest.param((0.0,), ("<0", ">=0"), id="one-edge"),
        pytest.param((0.5, 1.0), ("<0.5", "0.5-1", ">=1"), id="fractions"),
        pytest.param((-10.0, -5.0), ("<-10", "-10 to -5", ">=-5"), id="negative-edges-stay-readable"),
    ],
)
def test_bin_labels_are_readable(bins: tuple[float, ...], labels: tuple[str, ...]) -> None:
    assert bin_labels(bins) == labels


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[
            pytest.param(name, "column of the results", id=name)
            for name in (
                "hits",
                "substitutions",
                "deletions",
                "insertions",
                "character_hits",
                "wer",
                "condition",
                "reference",
                "hypothesis",
                "failed",
                "dimension",
                "slice",
                "audio_s",
                "processing_s",
                "gap",
                "verdict",
                "WER",
                "rtfx",
            )
        ],
        *[
            pytest.param(name, "manifest column", id=name)
            for name in (
                "utterance_id",
                "audio_filepath",
                "text",
                "speaker_id",
                "duration",
                "offset",
                "language",
                "Text",
            )
        ],
        pytest.param("accent & gender", "joins the attributes", id="separator-of-intersections"),
        pytest.param("", "unusable name", id="empty"),
        pytest.param(" accent", "unusable name", id="space-before"),
        pytest.param("acc\nent", "unusable name", id="line-break"),
        pytest.param("acc\udc80ent", "unusable name", id="lone-surrogate"),
    ],
)
def test_a_name_with_another_meaning_is_refused(name: str, expected: str) -> None:
    (problem,) = problems_of(lambda: Attribute(name, KIND, SELF_REPORTED))
    assert expected in problem


@pytest.mark.parametrize("kind", [AttributeKind.accent, AttributeKind.dialect, AttributeKind.demographic])
def test_an_inferred_attribute_of_people_is_refused_and_the_reason_given(kind: AttributeKind) -> None:
    (problem,) = problems_of(lambda: Attribute("origin", kind, Provenance.inferred))
    assert "never guessed from a voice" in problem
    assert kind.value in problem


@pytest.mark.parametrize("kind", [AttributeKind.acoustic, AttributeKind.content])
def test_an_inferred_attribute_of_a_recording_or_its_content_is_allowed(kind: AttributeKind) -> None:
    assert Attribute("topic", kind, Provenance.inferred).provenance is Provenance.inferred


@pytest.mark.parametrize(
    "bins",
    [
        pytest.param((60.0, 30.0), id="falling"),
        pytest.param((30.0, 30.0), id="equal"),
        pytest.param((30.0, float("inf")), id="infinite"),
        pytest.param((float("nan"),), id="nan"),
    ],
)
def test_bins_that_do_not_increase_are_refused(bins: tuple[float, ...]) -> None:
    (problem,) = problems_of(lambda: Attribute("age", KIND, SELF_REPORTED, bins=bins))
    assert "each larger than the one before" in problem


def test_every_problem_of_a_declaration_is_named() -> None:
    problems = problems_of(
        lambda: Attribute("wer", AttributeKind.accent, Provenance.inferred, order=("a", "a"), bins=(2.0, 1.0))
    )
    assert len(problems) == 4


def test_order_and_bins_contradict_each_other() -> None:
    with pytest.raises(ManifestError, match="both bins and order"):
        Attribute("age", KIND, SELF_REPORTED, order=("old", "young"), bins=(30.0,))
