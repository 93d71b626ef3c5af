"""The page of a corpus tells nobody's secret: numbers of few people are withheld, and what gives them away."""

import re
from itertools import product

import numpy as np
import pandas as pd
import pytest

from harness.fairness.described import DescribeOptions, Redact
from harness.fairness.planning import PlanOptions
from harness.report.described import seen as files
from harness.report.described.seen import Seen
from harness.report.described.withheld import companions, withheld
from tests.corpus.builders import row
from tests.report.described.builders import described, page_of, people_of, shown, table_of

FLOOR = 5
SIZES = {"north": 30, "south": 12, "west": 1, "": 9}


def corpus(tmp_path, redact, **changes):
    """Return a corpus of which one person is alone in the west; she says more, and what nobody else says."""
    people = [(accent, number) for accent, size in SIZES.items() for number in range(size)]
    rows = [
        row(
            f"u{accent}{number}-{k}",
            speaker_id=f"{accent}{number}",
            text=f"alone {k} says what no other says" if accent == "west" else f"all say prompt {k}",
            accent=accent,
            gender="female" if accent == "west" or number % 2 else "male",
        )
        for accent, number in people
        for k in range(7 if accent == "west" else 3)
    ]
    manifest = people_of(tmp_path, rows, undeclared=[""])
    return described(tmp_path, manifest, options=DescribeOptions(redact=redact), plan=PlanOptions(gap=0.3), **changes)


def solutions(numbers, withheld_few, withheld_beside):
    """Return what a reader may think the few are, who knows their sum with those beside, and what is shown of each."""
    few, beside = numbers[withheld_few], numbers[withheld_beside]
    total = few.sum() + beside.sum()
    ranges = [range(1, FLOOR)] * len(few) + [range(FLOOR, total + 1)] * len(beside)
    return {guess[: len(few)] for guess in product(*ranges) if sum(guess) == total}


@pytest.mark.parametrize("seed", range(60))
def test_nobody_can_subtract_what_is_shown_from_the_whole_and_know_how_many_the_few_are(seed):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(1, 14, size=rng.integers(2, 6))
    few = numbers < FLOOR
    beside = companions(numbers, np.ones(len(numbers), dtype=bool), FLOOR)
    assert not (few & beside).any()
    if few.any() and not (few | beside).all():
        assert len(solutions(numbers, few, beside)) > 1
    if not few.any():
        assert not beside.any()


def test_no_number_of_a_withheld_slice_is_in_any_table_note_picture_or_step_of_the_page(tmp_path):
    run = corpus(tmp_path, Redact.slices)
    seen = Seen(run)
    people = seen.people.set_index(["dimension", "slice"])
    told = people["people_text"]
    assert (told["accent", "west"], told["accent", "south"], told["accent", "north"]) == ("<5", "5+", "30")
    hidden = people.loc[[("accent", "west"), ("accent", "south")]]
    assert hidden[["n_speakers", "n_utterances", "words", "n_speakers_needed", "power"]].isna().all(axis=None)
    assert hidden["note"].tolist() == ["no verdict: fewer than 5 people", ""]
    overlaps = seen.overlaps.set_index("slice").loc[["west", "south"]]
    assert overlaps.drop(columns="dimension").isna().all(axis=None)
    assert not {"west", "south"} & set(seen.pairs["slice"]) | {"west", "south"} & set(seen.pairs["other"])
    _, page = page_of(run)
    for text in (page, shown(run), (run.path / "report.md").read_text(encoding="utf-8")):
        assert "1 speaker with an id" not in text
        assert "7 utterances" not in text
    assert table_of(run, files.PEOPLE).set_index(["dimension", "slice"])["n_speakers"]["accent", "west"] == 1


def test_the_place_of_a_step_does_not_tell_how_many_people_a_withheld_slice_needs(tmp_path):
    run = corpus(tmp_path, Redact.slices)
    record = Seen(run).steps.query("kind == 'record'")
    known = record["n_more"].notna().to_numpy()
    assert known.tolist() == sorted(known.tolist(), reverse=True)
    assert Seen(run).steps["place"].tolist() == list(range(1, len(Seen(run).steps) + 1))


@pytest.mark.parametrize("redact", [Redact.intersections, Redact.slices])
def test_what_else_is_true_of_a_group_of_one_person_is_not_told_where_attributes_meet(tmp_path, redact):
    run = corpus(tmp_path, redact)
    assert "west & female" in set(table_of(run, files.PEOPLE)["slice"])
    assert "west & female" not in set(Seen(run).crossed["slice"])
    html, _ = page_of(run)
    assert "west & female" not in html.replace("&amp;", "&").replace("\\u0026", "&")


def test_everything_is_told_where_nothing_is_withheld(tmp_path):
    run = corpus(tmp_path, Redact.nothing)
    seen = Seen(run)
    assert "west & female" in set(seen.crossed["slice"])
    pd.testing.assert_frame_equal(seen.overlaps, table_of(run, files.OVERLAPS), check_dtype=False)
    assert seen.steps["place"].tolist() == table_of(run, files.NEXT)["place"].tolist()


def test_a_planned_crossing_stands_in_a_band_in_tables_and_steps(tmp_path):
    run = corpus(tmp_path, Redact.intersections, by=["accent & gender", "accent"])
    seen = Seen(run)
    overlaps = seen.overlaps.set_index("slice")
    assert overlaps.loc["north & male", ["n_utterances", "n_texts"]].isna().all()
    assert "west & female" not in overlaps.index
    assert "west & female" not in set(seen.planned["slice"]) | set(seen.steps["slice"])
    crossed = seen.steps[seen.steps["slice"].str.contains("&")]
    assert crossed["n_speakers"].isna().all()
    _, page = page_of(run)
    assert "accent &amp; gender = south &amp; male: 5–9 people now" in page


def test_the_undeclared_are_withheld_with_the_declared_where_they_are_few(tmp_path):
    people = [("north", 20), ("south", 9), ("", 2)]
    rows = [
        row(f"u{accent}{k}", speaker_id=f"{accent}{k}", accent=accent, text=f"text {k}")
        for accent, size in people
        for k in range(size)
    ]
    rows += [row("u-more", speaker_id="0", accent="", text="more")]
    options = DescribeOptions(redact=Redact.slices)
    run = described(tmp_path, people_of(tmp_path, rows, ("accent",), undeclared=[""]), options=options)
    seen = Seen(run)
    (told,) = seen.told.to_dict("records")
    assert [text for text, _ in seen.people_of(told)] == ["5+", "0", "<5"]
    _, page = page_of(run)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page.split('id="told-table"')[1].split("</table>")[0])
    assert cells[3:] == ["5+", "0", "&lt;5", "0", "0", "–", "–"]  # nor how many utterances the few have
    assert "accent: of some people it is not recorded. Ask them" in page
    assert "nan" not in re.sub(r"<[^>]*>", " ", page).split()


def test_a_value_with_an_ampersand_is_found_where_attributes_meet():
    people = pd.DataFrame(
        [
            ("accent", "a & b", 1),
            ("accent", "c", 9),
            ("accent & gender", "a and b & f", 1),
            ("accent & gender", "c & f", 9),
        ],
        columns=["dimension", "slice", "n_speakers"],
    )
    assert withheld(people, FLOOR, Redact.intersections).left_out.tolist() == [False, False, True, False]
    alone = people[people["dimension"] == "accent & gender"]  # of attributes that have no slices of their own
    assert withheld(alone, FLOOR, Redact.intersections).left_out.tolist() == [True, False]


@pytest.mark.parametrize(
    ("female", "male", "left_out"),
    [
        pytest.param(1, 5, True, id="six-are-five-and-one"),
        pytest.param(2, 5, False, id="seven-are-five-and-two-or-six-and-one"),
        pytest.param(4, 4, True, id="eight-are-four-and-four"),
        pytest.param(3, 3, False, id="six"),
    ],
)
def test_a_value_whose_bands_add_up_in_one_way_only_is_crossed_with_nothing(female, male, left_out):
    people = pd.DataFrame(
        [
            *(("gender", name, 50) for name in ("female", "male", "other")),
            ("accent", "bermuda", female + male),
            ("accent & gender", "bermuda & female", female),
            ("accent & gender", "bermuda & male", male),
            ("accent & gender", "bermuda & other", 0),
        ],
        columns=["dimension", "slice", "n_speakers"],
    )
    assert withheld(people, FLOOR, Redact.intersections).left_out.tolist() == [*[False] * 4, *[left_out] * 3]
