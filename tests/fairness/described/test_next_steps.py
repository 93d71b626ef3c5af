"""What to do next: what is wrong first, then whom to ask, then whom to record, who needs fewest people more first."""

import math

import pandas as pd
import pytest

from harness.errors import UsageError
from harness.fairness import Policy
from harness.fairness.described import (
    NEXT_COLUMNS,
    DescribeOptions,
    Findings,
    StepKind,
    coded,
    duplicates,
    duplicates_by_kind,
    next_steps,
    overlaps,
    people_table,
    support_table,
    told,
)
from harness.fairness.described.leakage import Side, leakage, no_leaks
from harness.fairness.planning import EQUAL_GROUPS, PlanOptions, plan_manifest
from tests.fairness.described.builders import ATTRIBUTES, frame_of, row


def steps_of(rows, *, gap=0.03, train=None, attributes=ATTRIBUTES[:2], options=None):
    frame = frame_of(rows)
    them, by = coded(frame), [attribute.name for attribute in attributes]
    plan = plan_manifest(frame, by, Policy(), options or PlanOptions(gap=gap))
    needed = plan.table.loc[plan.table["dimension"] == EQUAL_GROUPS, "n_speakers_needed"]
    people = people_table(support_table(frame, them, by), plan.table[plan.table["dimension"] != EQUAL_GROUPS])
    other = None if train is None else frame_of(train)
    found = Findings(
        people=people,
        told=told(frame, them, attributes).table,
        overlaps=overlaps(frame, them, by).table,
        duplicates=duplicates_by_kind(duplicates(frame, them)),
        leaks=no_leaks().kinds
        if other is None
        else leakage(Side(frame, them), Side(other, coded(other)), "train").kinds,
        policy=Policy(),
        power=0.8,
        needed_each=float(needed.iloc[0]),
        needed_if_wordy=float(needed.iloc[-1]),
    )
    return next_steps(found), people


def crowd(n_north, n_south, *, text="one two three four five " * 8, **cells):
    return [
        row(accent=accent, speaker_id=f"{accent}{i}", text=f"{text}{accent}{i}", duration=9.0, **cells)
        for accent, n in (("north", n_north), ("south", n_south))
        for i in range(n)
    ]


def of(steps, kind):
    return steps[steps["kind"] == kind.value].to_dict("records")


def test_a_slice_with_too_few_people_says_how_many_more_and_so_many_are_enough():
    rows = crowd(3, 400)
    steps, _ = steps_of(rows, gap=0.05)
    (record,) = of(steps, StepKind.record)
    assert of(steps, StepKind.record_each) == []  # the south is not enough alone, and need not grow
    assert (record["dimension"], record["slice"], record["n_speakers"]) == ("accent", "north", 3)
    assert record["words_each"] == 41
    assert record["power"] == 0.8
    more = int(record["n_more"])
    enough, _ = steps_of(crowd(3 + more, 400), gap=0.05)
    assert "north" not in {each["slice"] for each in of(enough, StepKind.record)}
    almost, _ = steps_of(crowd(2 + more, 400), gap=0.05)
    assert {each["slice"]: each["n_more"] for each in of(almost, StepKind.record)}["north"] == 1


def test_slices_that_need_fewest_people_come_first():
    rows = [*crowd(20, 600), *(row(accent="west", speaker_id=f"w{i}", text="one two three " * 14) for i in range(50))]
    steps, _ = steps_of(rows, gap=0.05)
    record = of(steps, StepKind.record)
    assert [each["slice"] for each in record] == ["west", "north"]
    assert record[0]["n_more"] < record[1]["n_more"]


def test_where_more_of_one_value_are_not_enough_every_value_is_asked_for():
    steps, _ = steps_of(crowd(20, 20))
    assert of(steps, StepKind.record) == []
    (each,) = of(steps, StepKind.record_each)
    assert (each["dimension"], each["slice"], each["n_speakers"]) == ("accent", "", 20)
    assert each["n_more"] > each["n_if_wordy"] > 100


def test_people_who_say_little_are_asked_to_say_more_and_then_fewer_are_needed():
    steps, _ = steps_of(crowd(20, 400, text="two words "), gap=0.05)
    (more,) = of(steps, StepKind.say_more)
    assert (more["n_speakers"], more["words_each"]) == (420, 3)
    assert more["n_if_wordy"] <= 0.75 * more["n_more"]
    assert more["place"] < min(each["place"] for each in of(steps, StepKind.record))
    wordy, _ = steps_of(crowd(20, 400, text="word " * 3_000), gap=0.05)
    assert of(wordy, StepKind.say_more) == []


def test_slices_below_the_floor_come_after_the_others():
    rows = [*crowd(20, 600), *(row(accent="west", speaker_id=f"w{i}", text="many words " * 200) for i in range(2))]
    steps, _ = steps_of(rows, gap=0.05)
    assert [each["slice"] for each in of(steps, StepKind.record)] == ["north", "west"]


def test_enough_people_are_asked_for_nothing():
    steps, people = steps_of(crowd(700, 700, text="word " * 300), gap=0.05)
    assert people.set_index("slice")["power"][["north", "south"]].min() > 0.8
    assert {each["kind"] for each in steps.to_dict("records")} == {"vary"}  # all of one gender


def test_what_is_wrong_comes_first_and_places_count_from_1():
    rows = [
        *crowd(5, 5),
        row(audio_filepath="/a.wav", text="x", duration=1.0),
        row(audio_filepath="/a.wav", text="y", duration=1.0, accent="south", gender="undeclared"),
        row(speaker_id=None, gender="undeclared"),
        row(speaker_id="silent", gender="undeclared"),
    ]
    steps, _ = steps_of(rows, train=[row(speaker_id="north1", text="something else entirely here")])
    assert tuple(steps.columns) == NEXT_COLUMNS
    assert steps["place"].tolist() == list(range(1, len(steps) + 1))
    kinds = steps["kind"].tolist()
    assert kinds == sorted(kinds, key=[kind.value for kind in StepKind].index)
    assert kinds[:3] == ["keep_apart", "remove", "settle"]
    (leak,) = of(steps, StepKind.keep_apart)
    assert (leak["of"], leak["n_more"], leak["n_speakers"]) == ("speaker train", 1, 1)
    settled = of(steps, StepKind.settle)
    assert {(each["of"], each["dimension"]) for each in settled} == {("segment", ""), ("person", "accent")}
    (fill,) = of(steps, StepKind.fill)
    assert (fill["dimension"], fill["n_speakers"], fill["n_utterances"]) == ("gender", 1, 1)
    (ask,) = of(steps, StepKind.ask)
    assert (ask["dimension"], ask["n_speakers"]) == ("gender", 1)
    assert ask["share"] == pytest.approx(1 / 12)
    (name,) = of(steps, StepKind.name_speaker)
    assert name["n_utterances"] == 1


def test_without_anybody_s_id_utterances_are_asked_about():
    steps, _ = steps_of([row(speaker_id=None, gender="undeclared"), row(speaker_id=None)])
    (ask,) = of(steps, StepKind.ask)
    assert (ask["n_utterances"], ask["share"]) == (1, 0.5)


def test_the_most_silent_attribute_is_asked_for_first():
    rows = [row(speaker_id=f"s{i}", accent="undeclared" if i < 2 else "north", gender="undeclared") for i in range(4)]
    steps, _ = steps_of(rows)
    assert [each["dimension"] for each in of(steps, StepKind.ask)] == ["gender", "accent"]
    assert {each["dimension"] for each in of(steps, StepKind.vary)} == {"gender", "accent"}


def test_prompts_are_to_be_shared_where_a_group_reads_its_own_and_not_in_conversations():
    def reading(texts_of):
        return [
            row(accent=accent, speaker_id=f"{accent}{i}", text=texts_of(accent, i, number))
            for accent in ("north", "south", "west")
            for i in range(4)
            for number in range(5)
        ]

    own_lists = reading(lambda accent, _, number: f"{'west' if accent == 'west' else 'all'} prompt {number}")
    steps, _ = steps_of(own_lists)
    assert [each["slice"] for each in of(steps, StepKind.share)] == ["west"]
    one_list, _ = steps_of(reading(lambda *told: f"prompt {told[2]}"))
    conversation, _ = steps_of(reading(lambda *told: f"{told} said"))
    assert of(one_list, StepKind.share) == of(conversation, StepKind.share) == []


def test_topics_are_not_to_share_their_texts_and_devices_need_no_further_people():
    rows = [
        row(device=(device,), speaker_id=f"s{i}", text=f"{device} prompt {number}")
        for device in ("phone", "laptop")
        for i in range(6)
        for number in range(4)
    ]
    steps, _ = steps_of(rows, attributes=ATTRIBUTES[2:])
    assert of(steps, StepKind.share) == []
    assert of(steps, StepKind.record_each) == of(steps, StepKind.record) == []


def test_one_who_says_most_is_told_of():
    rows = crowd(12, 12)
    loud = [row(accent="north", speaker_id="north0", text="word " * 2000)]
    steps, _ = steps_of([*rows, *loud])
    (level,) = of(steps, StepKind.level)
    assert (level["slice"], level["n_speakers"]) == ("north", 12)
    assert level["share"] > 0.7
    assert level["share_expected"] < 2  # weighs as


def test_a_gap_that_nobody_could_show_is_told_without_a_number():
    steps, _ = steps_of(crowd(5, 5), options=PlanOptions(gap=0.00001))
    (each,) = of(steps, StepKind.record_each)
    assert math.isnan(each["n_more"])


def test_a_corpus_with_nothing_to_do_has_no_steps_and_all_columns():
    steps, _ = steps_of([row(duration=1.0)], attributes=())
    assert isinstance(steps, pd.DataFrame)
    assert steps.empty
    assert tuple(steps.columns) == NEXT_COLUMNS


def test_options_that_cannot_be_meant_are_refused():
    with pytest.raises(UsageError, match=r"describe\.intersections=0"):
        DescribeOptions(intersections=0)
