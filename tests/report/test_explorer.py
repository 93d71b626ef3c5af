"""The explorer has the worst of every slice, says how many there are of each, and nothing of what is to be left out."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from harness.corpus import Manifest
from harness.report.explorer import BUDGETS, LONGEST_NAME
from harness.report.explorer_few import FEW
from harness.report.explorer_filters import MOST_TOGETHER, MOST_VALUES
from harness.report.explorer_rows import ranking
from harness.report.pages import embedded
from tests.builders import tone_corpus, tone_rows
from tests.report.explorer_builders import COUNTS, explored, large_scores, run_of, scores_of, texts_of

SENTENCES = ["turn it on", "turn it off", "play some music", ""]
HEARD = ["turn it on", "turn that off now", None, "thank you"]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Return the scores of 200,000 utterances, what the explorer has of them, and the scores of those shown."""
    scores = large_scores(200_000)
    attributes, sliced_by = ["accent", "gender"], ["accent", "gender", "accent & gender"]
    run = run_of(tmp_path_factory.mktemp("large"), scores, attributes, sliced_by=sliced_by)
    data = explored(run)
    return scores, data, shown_of(scores, data)


def small(folder, *redact, attributes=("accent",), **columns):
    """Return four utterances: correct, with errors, failed, and heard where nothing was said."""
    columns = {"accent": ["north", "north", "south", "undeclared"]} | columns
    scores = scores_of(SENTENCES, HEARD, **columns)
    return scores, explored(run_of(folder, scores, attributes), *redact)


def shown_of(scores, data):
    """Return the rows of the scores that are shown."""
    places = {each: place for place, each in enumerate(scores["utterance_id"])}
    return scores.iloc[[places[data["id_prefix"] + each] for each in data["ids"]]]


def filter_of(data, name):
    return next(place for place, each in enumerate(data["filters"]) if each["name"] == name)


def values_of(data, place, name):
    """Return the values of an attribute of the utterance at a place, by name."""
    column = filter_of(data, name)
    told = data["filters"][column]
    cell = data["cells_of"][column][place] if data["cells_of"][column] else 0
    return [told["values"][value] for value in (told["cells"][cell] if told["cells"] else [cell])]


def test_a_small_run_is_shown_whole_in_its_order(tmp_path):
    scores, data = small(tmp_path)
    assert data["sample"] is None
    assert [data["id_prefix"] + each for each in data["ids"]] == scores["utterance_id"].tolist()
    assert [texts_of(data, place) for place in range(4)] == list(
        zip(scores["reference"], scores["hypothesis"], strict=True)
    )
    assert [values_of(data, place, "accent") for place in range(4)] == [["north"], ["north"], ["south"], ["undeclared"]]


def test_counts_are_those_of_the_scores(large):
    _, data, shown = large
    for name in COUNTS:
        assert data[name] == shown[name].tolist()


def test_texts_can_be_read_again(large):
    _, data, shown = large
    for place in range(0, len(shown), 97):
        assert texts_of(data, place) == (shown["reference"].iloc[place], shown["hypothesis"].iloc[place])


@pytest.mark.parametrize("by", [["accent"], ["gender"], ["accent", "gender"]], ids=" and ".join)
def test_every_slice_of_every_dimension_has_its_worst(large, by):
    scores, data, shown = large
    errors = scores["substitutions"] + scores["deletions"] + scores["insertions"]
    told = scores[[*by, "failed"]].assign(errors=errors, is_shown=scores.index.isin(shown.index))
    for _, part in told[~told["failed"] & (errors > 0)].groupby(by):
        worst = part.nlargest(data["sample"]["worst_of_slice"], "errors")
        least = worst["errors"].min()
        assert part.loc[part["errors"] > least, "is_shown"].all()
        assert int(part.loc[part["errors"] == least, "is_shown"].sum()) >= int((worst["errors"] == least).sum())


def test_a_rare_slice_is_shown_whole(large):
    scores, _, shown = large
    rare = set(scores.loc[(scores["accent"] == "rare") & (scores["substitutions"] > 0), "utterance_id"])
    assert rare
    assert rare <= set(shown["utterance_id"])


def test_what_the_page_says_of_its_sample_is_so(large):
    scores, data, shown = large
    sample = data["sample"]
    errors = scores["substitutions"] + scores["deletions"] + scores["insertions"]
    worst = errors[~scores["failed"]].nlargest(sample["worst"])
    n_above = int((errors[~scores["failed"]] > worst.min()).sum())
    shown_errors = errors[shown.index][~shown["failed"]]
    assert int((shown_errors > worst.min()).sum()) == n_above
    assert int((shown_errors >= worst.min()).sum()) >= sample["worst"] > 1000
    assert sample["n_with_errors"] == int(((errors > 0) & ~scores["failed"]).sum())
    assert sample["n_failed"] == int(scores["failed"].sum()) == sample["failed"] == int(shown["failed"].sum())
    assert sample["n_correct"] == int(((errors == 0) & ~scores["failed"]).sum())
    assert int((shown_errors == 0).sum()) >= sample["correct"] > 100


def test_what_goes_right_is_drawn_from_the_whole_run(large):
    scores, _, shown = large
    correct = shown.index[(shown["hits"] == 14) & ~shown["failed"]]
    assert abs(np.mean(correct) / len(scores) - 0.5) < 0.05


def test_the_same_run_gives_the_same_bytes(tmp_path):
    scores = large_scores(3_000)
    first, second = (explored(run_of(tmp_path / name, scores, ["accent"])) for name in ("a", "b"))
    assert embedded(first) == embedded(second)


def test_every_filter_says_how_many_the_run_has(large):
    scores, data, _ = large
    for name in ("accent", "gender"):
        told = data["filters"][filter_of(data, name)]
        assert dict(zip(told["values"], told["totals"], strict=True)) == scores[name].value_counts().to_dict()
    kinds = {name: total for name, total, _ in data["kinds"]}
    assert kinds["failed, no transcript"] == int(scores["failed"].sum())
    assert kinds["with errors"] == data["sample"]["n_with_errors"]


def test_filters_together_have_exact_totals(large):
    scores, data, _ = large
    numbers, kinds, _, accents, genders = data["totals"]
    bit = [name for name, *_ in data["kinds"]].index("only substitutions")
    north = data["filters"][filter_of(data, "accent")]["values"].index("north")
    male = data["filters"][filter_of(data, "gender")]["values"].index("male")
    rows = zip(numbers, kinds, accents, genders, strict=True)
    total = sum(number for number, kind, *cells in rows if kind >> bit & 1 and cells == [north, male])
    is_of = (scores["substitutions"] > 0) & ~scores["failed"] & (scores["deletions"] + scores["insertions"] == 0)
    assert total == int((is_of & (scores["accent"] == "north") & (scores["gender"] == "male")).sum()) > 0
    assert sum(numbers) == len(scores)


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        pytest.param("with errors", [1, 3], id="errors"),
        pytest.param("without an error", [0], id="correct"),
        pytest.param("failed, no transcript", [2], id="failed"),
        pytest.param("only insertions", [3], id="insertions"),
        pytest.param("only substitutions", [], id="substitutions"),
        pytest.param("words where nothing was said", [3], id="hallucination"),
        pytest.param("any sign of hallucination", [3], id="any-sign"),
        pytest.param("empty output", [], id="empty-output-is-not-a-failure"),
        pytest.param("reference without words", [3], id="empty-reference"),
    ],
)
def test_a_kind_is_those_it_names(tmp_path, kind, places):
    _, data = small(tmp_path)
    bit = [name for name, *_ in data["kinds"]].index(kind)
    assert [place for place, kinds in enumerate(data["kinds_of"]) if kinds >> bit & 1] == places
    assert data["kinds"][bit][1] == len(places)


def test_scores_without_flags_offer_no_filter_for_them(tmp_path):
    scores = scores_of(SENTENCES, HEARD).drop(columns=["hallucination", "empty_output"])
    names = [name for name, *_ in explored(run_of(tmp_path, scores))["kinds"]]
    assert "with errors" in names
    assert "empty output" not in names


def test_conditions_are_filtered_by(tmp_path):
    _, data = small(tmp_path, condition=["clean", "noise_5db", "clean", "noise_5db"])
    assert data["filters"][0]["values"] == ["clean", "noise_5db"]
    assert data["cells_of"][0] == [0, 1, 0, 1]


def test_an_attribute_of_several_values_is_found_under_each(tmp_path):
    _, data = small(tmp_path, accent=[["north"], ["north", "south"], ["south"], ["undeclared"]])
    assert [values_of(data, place, "accent") for place in range(3)] == [["north"], ["north", "south"], ["south"]]
    assert data["filters"][filter_of(data, "accent")]["totals"] == [2, 2, 1]


def test_an_attribute_of_many_values_is_no_filter_and_is_named(tmp_path):
    n_rows = MOST_VALUES + 1
    scores = scores_of(["one"] * n_rows, ["two"] * n_rows, snr=[f"{each}" for each in range(n_rows)])
    data = explored(run_of(tmp_path, scores, ["snr"]))
    assert data["left_out"] == [["snr", n_rows]]
    assert [each["name"] for each in data["filters"]] == ["condition"]


def test_many_attributes_together_are_as_many_as_a_page_has_room_for(tmp_path):
    n_rows, names = 400, [f"attribute{number}" for number in range(20)]
    columns = {name: [f"{each}" for each in range(n_rows)] for name in names}
    data = explored(run_of(tmp_path, scores_of(["one"] * n_rows, ["two"] * n_rows, **columns), names))
    offered = [each["name"] for each in data["filters"]][1:]
    assert offered == names[: MOST_TOGETHER // n_rows]
    assert [name for name, _ in data["left_out"]] == names[MOST_TOGETHER // n_rows :]


def test_a_large_run_fits(large):
    _, data, _ = large
    assert 0.8 * BUDGETS[1] < len(embedded(data).encode()) <= 1.02 * BUDGETS[1] < 2_200_000
    assert len(data["ids"]) < len(large[0]) == data["n_rows"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("woord " * 30, id="long"),
        pytest.param("слово " * 30, id="two-bytes"),
        pytest.param("<&> " * 30, id="escaped"),
        pytest.param("x" * 2_000, id="one-word"),
    ],
)
def test_a_run_of_conversation_fits_whatever_is_said(tmp_path, text):
    n_rows = 9_000
    said = scores_of([text] * 2, [text, f"{text} more"])
    scores = said.iloc[np.arange(n_rows) % 2].reset_index(drop=True)
    scores = scores.assign(utterance_id=[f"u{number}" for number in range(n_rows)])
    data = explored(run_of(tmp_path, scores))
    n_bytes = len(embedded(data).encode())
    assert n_bytes <= 1.02 * BUDGETS[0] < 1_210_000
    assert len(data["ids"]) > 500


def test_more_slices_than_a_page_has_room_for_still_fit(tmp_path):
    n_rows = 25_000
    scores = scores_of(["turn it on"] * 2, ["turn it off", "turn it on"]).iloc[np.arange(n_rows) % 2]
    scores = scores.reset_index(drop=True).assign(
        utterance_id=[f"{number}-" * 20 for number in range(n_rows)], accent=[f"{number}" for number in range(n_rows)]
    )
    data = explored(run_of(tmp_path, scores, ["accent"]))
    assert len(embedded(data).encode()) <= 1.02 * BUDGETS[1]
    assert data["sample"]["worst_of_slice"] == 0 < len(data["ids"])


@pytest.mark.parametrize("redact", [("transcripts",), ("speakers",), ("speakers", "transcripts")])
def test_what_is_left_out_is_nowhere(tmp_path, redact):
    rows = [row | {"speaker_id": f"Somebody{row['speaker_id']}"} for row in tone_rows(n_speakers=2, n_utterances=2)]
    manifest = Manifest.load(tone_corpus(tmp_path / "corpus", rows))
    scores = scores_of(
        [str(row["text"]) for row in rows],
        [f"overheard {row['text']}" for row in rows],
        utterance_id=[str(row["utterance_id"]) for row in rows],
        speaker_id=[row["speaker_id"] for row in rows],
        accent=[row["accent"] for row in rows],
    )
    run = run_of(tmp_path / "run", scores, ["accent"], sliced_by=["accent", "speaker_id", "accent & speaker_id"])
    facts = run.facts
    (run.path / "run.json").write_text(
        json.dumps(facts | {"manifest": facts["manifest"] | {"digest": manifest.digest}})
    )
    (run.path / "config.yaml").write_text(yaml.safe_dump({"manifest": {"path": str(manifest.path)}}))
    words = {word for name in ("reference", "hypothesis") for text in scores[name] for word in text.split()}
    written, redacted = (str(embedded(explored(run, *left))) for left in ((), redact))
    assert all(each in written for each in (*words, "Somebody", ".wav", "0-0"))
    assert not [word for word in words if word in redacted and "transcripts" in redact]
    assert "Somebody" not in redacted or "speakers" not in redact
    assert not [each for each in (".wav", "file:", str(tmp_path)) if each in redacted]
    data = json.loads(redacted)
    assert data["ids"] is None
    assert data["rows"] == list(range(1, len(rows) + 1))
    accents = [FEW if "speakers" in redact else row["accent"] for row in rows]  # of two people each
    assert [values_of(data, place, "accent") for place in range(len(rows))] == [[accent] for accent in accents]
    for name in COUNTS:
        assert data[name] == scores[name].tolist()


def test_no_speaker_is_a_speaker_that_is_not_named(tmp_path):
    _, data = small(tmp_path, speaker_id=["s1", None, None, "s1"])
    assert data["speakers"] == {"names": ["s1"], "of": [0, -1, -1, 0]}


@pytest.mark.parametrize("name", ["__proto__", "constructor", "ids", "filters", "values", "toString", "<b>"])
def test_an_attribute_may_be_called_anything(tmp_path, name):
    _, data = small(tmp_path, attributes=("accent", name), **{name: ["__proto__", "of", "a", "b"]})
    assert values_of(data, 0, name) == ["__proto__"]


def test_a_hostile_run_is_data_that_ends_no_script(tmp_path):
    hostile = "</script><script>alert(1)</script> <!-- \u2028 \u202e &amp;"
    scores = scores_of([hostile, "a"], ["b", hostile], accent=[hostile, "n"], utterance_id=["i" * 10_000, hostile])
    written = str(embedded(explored(run_of(tmp_path, scores, ["accent"]))))
    assert not set(written) & set("<>&\u2028\u202e")
    data = json.loads(written)
    assert [len(each) for each in data["ids"]] == [LONGEST_NAME, len(hostile)]
    assert data["ids"][0].endswith("…")


def test_recordings_are_offered_with_what_they_have_in_common_written_once(tmp_path):
    rows = tone_rows(("north",), n_speakers=2, n_utterances=2)
    manifest = Manifest.load(tone_corpus(tmp_path / "corpus", rows))
    (tmp_path / "corpus" / "audio" / f"{rows[1]['utterance_id']}.wav").unlink()
    texts = [str(row["text"]) for row in rows]
    run = run_of(tmp_path / "run", scores_of(texts, texts, utterance_id=[row["utterance_id"] for row in rows]))
    facts = run.facts
    (run.path / "run.json").write_text(
        json.dumps(facts | {"manifest": facts["manifest"] | {"digest": manifest.digest}})
    )
    (run.path / "config.yaml").write_text(yaml.safe_dump({"manifest": {"path": str(manifest.path)}}))
    data = explored(run)
    played = data["recordings"]
    found = [None if file < 0 else played["base"] + played["names"][file] for file in played["of"]]
    expected = [(tmp_path / "corpus" / "audio" / f"{row['utterance_id']}.wav").as_uri() for row in rows]
    assert found == [expected[0], None, *expected[2:]]
    assert data["recordings_note"] == "Recordings not found: 1 of the 4 here."


def test_a_run_without_its_manifest_says_so_once(tmp_path):
    _, data = small(tmp_path)
    assert data["recordings"] is None
    assert data["recordings_note"].startswith("Recordings not found: ")


def test_the_worst_come_first_by_errors_and_then_by_their_rate():
    scores = scores_of(["a b c d", "a", "a b", "", "a b"], ["x y z d", "", "x y", "b b", "a b"])
    scores = pd.concat([scores, scores.head(1)], ignore_index=True)  # as bad as the first, and later
    first, correct, *others = ranking(scores, []).order.tolist()
    assert [first, *others] == [0, 5, 3, 2, 1]
    assert correct == 4
