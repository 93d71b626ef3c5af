from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.fairness import DimensionPolicy, Failures, Policy, disparity_table
from harness.fairness.disparity import DISPARITY_COLUMNS
from harness.fairness.sensitivity import SENSITIVE, SENSITIVITY_COLUMNS, aligned_disparities, sensitivity
from harness.scoring import Verbatim, WhisperEnglish, read_hypotheses, score
from harness.scoring.profiles import STRICT, profile, profiles_beside, score_beside
from tests.fairness.builders import policy_of, row_of, scores_of, simulated
from tests.scoring.builders import errors_of, hypotheses_of, manifest_of
from tests.shared import DATA, needs_data

TEXTS = {"reference": "a b c", "hypothesis": "a b c"}


def under(profiles, by="accent", policy=None, seed=0, **options):
    return sensitivity(profiles, by, policy or policy_of(), np.random.default_rng(seed), **options)


def judged(gap, verdict, ratio=None):
    """Return a disparity table of one slice."""
    cells = {"dimension": "accent", "slice": "a", "gap": gap, "ratio": 1 + 5 * gap if ratio is None else ratio}
    return pd.DataFrame([cells | {"verdict": verdict}])


@pytest.fixture(scope="module")
def profiles():
    """Return the same people under two profiles; the second one sees other errors."""
    rng = np.random.default_rng(3)
    scores = simulated(rng, [0.15, 0.3, 0.2], n_speakers=(7, 12, 15), n_utterances=6).assign(**TEXTS)
    gender = rng.permutation(np.repeat(["f", "m"], len(scores) // 2))
    fewer = rng.binomial(scores["substitutions"], np.where(scores["accent"] == "a1", 0.3, 0.9))
    other = scores.assign(substitutions=fewer, hits=scores["hits"] + scores["substitutions"] - fewer)
    return {"auto": scores.assign(gender=gender), STRICT: other.assign(gender=gender)}


# What is sensitive

SENSITIVITY_RULES = [
    pytest.param([(0.05, "disparity"), (0.05, "disparity")], False, id="the-same"),
    pytest.param([(0.05, "disparity"), (0.02, "inconclusive")], True, id="the-verdict-changes"),
    pytest.param([(0.05, "disparity"), (0.05, "insufficient")], True, id="a-test-is-run-under-one-only"),
    pytest.param([(0.05, "disparity"), (0.09, "disparity")], False, id="the-size-changes"),
    pytest.param([(0.001, "inconclusive"), (-0.001, "inconclusive")], True, id="the-sign-changes"),
    pytest.param([(0.001, "within_margin"), (-0.001, "within_margin")], False, id="equality-shown-both-times"),
    pytest.param([(0.001, "within_margin"), (-0.001, "inconclusive")], True, id="equality-shown-once"),
    pytest.param([(0.001, "insufficient"), (-0.001, "insufficient")], True, id="the-sign-changes-without-a-test"),
    pytest.param([(0.0, "inconclusive"), (-0.001, "inconclusive")], False, id="no-gap-has-no-sign"),
    pytest.param([(0.02, "inconclusive"), (0.04, "inconclusive")], False, id="a-test-could-not-tell-either-time"),
    pytest.param([(0.02, "insufficient"), (0.03, "insufficient")], True, id="without-a-test-the-margin-is-reached"),
    pytest.param([(-0.04, "insufficient"), (-0.02, "insufficient")], True, id="or-its-mirror-image"),
    pytest.param([(0.01, "insufficient"), (0.02, "insufficient")], False, id="without-a-test-inside-both-times"),
    pytest.param([(np.nan, "insufficient"), (0.0, "insufficient")], True, id="a-rate-under-one-only"),
    pytest.param([(np.nan, "insufficient"), (np.nan, "insufficient")], False, id="no-rate-at-all"),
    pytest.param([(0.05, "disparity")] * 2 + [(0.05, "inconclusive")], True, id="any-profile-of-several"),
]


@pytest.mark.parametrize(("found", "sensitive"), SENSITIVITY_RULES)
def test_a_slice_is_sensitive_when_what_is_told_changes_with_the_profile(found, sensitive):
    first, *others = [judged(gap, verdict) for gap, verdict in found]
    table = aligned_disparities(first, others, Policy())
    assert table[SENSITIVE].tolist() == [sensitive]
    assert aligned_disparities(others[-1], [first, *others[:-1]], Policy())[SENSITIVE].tolist() == [sensitive]
    pd.testing.assert_frame_equal(table.drop(columns=SENSITIVE), first)


def test_a_ratio_margin_is_crossed_too():
    first, other = judged(0.010, "insufficient", ratio=1.2), judged(0.012, "insufficient", ratio=1.3)
    assert not aligned_disparities(first, [other], Policy())[SENSITIVE].any()
    assert aligned_disparities(first, [other], Policy(margin_ratio=1.25))[SENSITIVE].all()


def test_the_margin_is_that_of_the_dimension():
    first, other = judged(0.02, "insufficient"), judged(0.04, "insufficient")
    own = Policy(dimensions={"accent": DimensionPolicy(margin=0.05)})
    assert aligned_disparities(first, [other], Policy())[SENSITIVE].tolist() == [True]
    assert aligned_disparities(first, [other], own)[SENSITIVE].tolist() == [False]


def test_rows_are_found_by_name_not_by_place():
    first = pd.concat([judged(0.05, "disparity"), judged(-0.05, "advantage").assign(slice="b")], ignore_index=True)
    assert not aligned_disparities(first, [first[::-1]], Policy())[SENSITIVE].any()
    with pytest.raises(UsageError, match="other slices"):
        aligned_disparities(first, [first.head(1)], Policy())


# One table under every profile


def test_every_profile_is_judged_with_the_same_draws(profiles):
    found = under(profiles, ["accent", "gender"])
    assert found.verdicts.columns.tolist() == list(SENSITIVITY_COLUMNS)
    assert found.disparities.columns.tolist() == [*DISPARITY_COLUMNS, SENSITIVE]
    for name, scores in profiles.items():
        table = disparity_table(scores, ["accent", "gender"], policy_of(), np.random.default_rng(0))
        mine = found.verdicts[found.verdicts["normalizer"] == name].reset_index(drop=True)
        shared = [column for column in DISPARITY_COLUMNS if column in SENSITIVITY_COLUMNS]
        pd.testing.assert_frame_equal(mine[shared], table[shared])
    pd.testing.assert_frame_equal(
        found.disparities[list(DISPARITY_COLUMNS)],
        disparity_table(profiles["auto"], ["accent", "gender"], policy_of(), np.random.default_rng(0)),
    )
    assert found.verdicts["slice"].tolist() == ["a0", "a0", "a1", "a1", "a2", "a2", "f", "f", "m", "m"]
    assert found.disparities.loc[found.disparities["slice"] == "a1", SENSITIVE].all()


def test_a_table_that_is_made_already_is_not_made_again(profiles):
    table = disparity_table(profiles["auto"], "accent", policy_of(), np.random.default_rng(0))
    given, made = under(profiles, disparities=table), under(profiles)
    pd.testing.assert_frame_equal(given.verdicts, made.verdicts)
    pd.testing.assert_frame_equal(given.disparities, made.disparities)


def test_the_same_scores_twice_are_sensitive_to_nothing(profiles):
    found = under({"auto": profiles["auto"], STRICT: profiles["auto"]}, ["accent", "gender"])
    assert not found.disparities[SENSITIVE].any()


@pytest.mark.parametrize("comparator", ["rest", "best", "largest", "a2"])
def test_the_comparator_of_the_first_profile_is_that_of_all(profiles, comparator):
    found = under(profiles, policy=policy_of(comparator=comparator)).verdicts
    chosen = {"rest": "rest", "best": "a0", "largest": "a2", "a2": "a2"}[comparator]
    assert set(found["comparator"]) == {chosen}
    assert found.groupby("slice")["normalizer"].nunique().eq(2).all()
    assert len(found) == (6 if comparator == "rest" else 4)


def test_words_are_those_of_the_slice_under_each_profile(profiles):
    found = under(profiles).verdicts
    for row in found.to_dict("records"):
        inside = profiles[row["normalizer"]].query("accent == @row['slice']")
        counts = ["substitutions", "deletions", "insertions"]
        assert [row[name] for name in counts] == inside[counts].sum().tolist()
        assert row["reference_words"] == inside[["hits", "substitutions", "deletions"]].to_numpy().sum()
        assert row["wer"] == pytest.approx(sum(row[name] for name in counts) / row["reference_words"])


# What a profile edits

SAID = {
    "u1": ("a", "um I'm gonna colour it", "I'm going to color it"),
    "u2": ("a", "Twenty-five.", "25"),
    "u3": ("b", "the same words", "the same, words"),
    "u4": ("b", "uh", "she's um here"),
    "u5": ("c", "", "thanks"),
    "u6": (None, "colour colour", "colour"),
}


@pytest.fixture
def spoken(tmp_path):
    manifest = manifest_of(
        tmp_path,
        {name: said for name, (_, said, _) in SAID.items()},
        accent=[accent for accent, _, _ in SAID.values()],
        speaker_id=[f"s{k}" for k in range(len(SAID))],
    )
    heard = hypotheses_of({name: text for name, (_, _, text) in SAID.items()})
    scores = score(manifest, heard, WhisperEnglish())
    return {"whisper_english": scores} | score_beside(scores, manifest, heard, profiles_beside(WhisperEnglish()))


def shares(column, accents):
    """Count edits and words with an alignment of another library."""
    strict, rules = profile(STRICT), WhisperEnglish()
    texts = [cells[1 if column == "reference" else 2] for cells in SAID.values() if cells[0] in list(accents)]
    edits = [errors_of(strict(text).split(), strict(rules(text)).split()) for text in texts]
    words = sum(len(strict(text).split()) for text in texts)
    return sum(edits) / words if words else np.nan


def test_edited_shares_are_of_slices_and_comparators(spoken):
    found = under(spoken).verdicts
    for name, rest in [("a", "bc"), ("b", "ac"), ("c", "ab")]:
        row = row_of(found[found["normalizer"] == "whisper_english"], name)
        for column, share in [("reference", "edited_share"), ("hypothesis", "hypothesis_edited_share")]:
            np.testing.assert_allclose(row[share], shares(column, name))
            np.testing.assert_allclose(row[f"comparator_{share}"], shares(column, rest))
    strict = found[found["normalizer"] == STRICT].set_index("slice")
    assert strict.loc[["a", "b"], ["edited_share", "hypothesis_edited_share"]].eq(0).all(axis=None)


def test_edited_shares_of_a_named_comparator_are_of_that_slice(spoken):
    row = row_of(under(spoken, policy=policy_of(comparator="b")).verdicts.head(1), "a")
    assert (row["edited_share"], row["comparator_edited_share"]) == (shares("reference", "a"), shares("reference", "b"))


def test_clips_that_failed_and_are_left_out_were_not_edited(spoken):
    failing = {name: scores.assign(failed=scores["utterance_id"] == "u2") for name, scores in spoken.items()}
    rows = {
        rule: row_of(under(failing, policy=policy_of(failures=rule)).verdicts.head(1), "a")["edited_share"]
        for rule in Failures
    }
    assert rows[Failures.deletions] == shares("reference", "a")
    assert rows[Failures.left_out] == 5 / 5  # of "um i'm gonna colour it": "i am going to color it"


def test_values_of_which_an_utterance_has_several_count_in_each(spoken):
    several = {
        name: scores.assign(accent=[("a", "b"), ("a",), ("b",), ("b",), ("c",), ("undeclared",)])
        for name, scores in spoken.items()
    }
    found = under(several).verdicts.set_index(["slice", "normalizer"])
    strict, rules = profile(STRICT), WhisperEnglish()
    texts = [strict(SAID[name][1]) for name in ("u1", "u3", "u4")]
    edits = sum(errors_of(text.split(), strict(rules(text)).split()) for text in texts)
    assert found.loc[("b", "whisper_english"), "edited_share"] == edits / sum(len(text.split()) for text in texts)
    assert found.loc[("b", "whisper_english"), "comparator_edited_share"] == 1.0  # u2: two words became one number


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda p: {"auto": p["auto"]}, "expected two profiles or more", id="one-profile"),
        pytest.param(lambda p: {"auto": p["auto"], "verbatim": p[STRICT]}, "expected 'lowercase_no", id="none-strict"),
        pytest.param(lambda p: p | {STRICT: p[STRICT].head(9)}, f"{STRICT} have other rows than those", id="fewer"),
        pytest.param(lambda p: p | {STRICT: p[STRICT][::-1]}, "have other rows", id="another-order"),
    ],
)
def test_profiles_that_cannot_be_compared_are_wrong_usage(profiles, change, message):
    with pytest.raises(UsageError, match=message):
        under(change(profiles))


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(scores_of([1, 2], [10, 10], accent=["a", "a"]), id="one-slice"),
        pytest.param(scores_of([1, 2], [10, 10], accent=["undeclared", "declined"]), id="nobody-told"),
        pytest.param(scores_of([], [], accent=[]), id="nobody"),
    ],
)
def test_without_anything_to_compare_there_are_no_rows(scores):
    scores = scores.assign(**TEXTS)
    found = under({"auto": scores, STRICT: scores})
    assert found.verdicts.empty
    assert found.verdicts.columns.tolist() == list(SENSITIVITY_COLUMNS)
    assert found.disparities.empty
    assert SENSITIVE in found.disparities


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"speaker_id": None}, id="no-speaker-ids"),
        pytest.param({"speaker_id": "s"}, id="one-speaker"),
        pytest.param({"hits": 0, "substitutions": 0, "insertions": 2}, id="no-reference-words"),
        pytest.param({"insertions": 500}, id="error-rates-above-one"),
        pytest.param({"failed": True}, id="all-failed"),
    ],
)
def test_thin_evidence_is_told_under_every_profile(profiles, change):
    changed = {name: scores.assign(**change) for name, scores in profiles.items()}
    found = under(changed, ["accent", "gender"], Policy(n_resamples=100))
    assert len(found.verdicts) == 2 * len(found.disparities) == 10
    assert found.disparities[SENSITIVE].dtype == bool
    if "hits" in change:
        assert found.verdicts["gap"].isna().all()
        assert not found.disparities[SENSITIVE].any()


# Real transcripts


@needs_data("commonvoice")
def test_common_voice_the_australian_gap_that_changes_sign_is_normaliser_sensitive():
    folder, columns = DATA / "commonvoice", {"utterance_id": "id"}
    manifest = Manifest.load(folder / "manifest.tsv", columns=columns, require_audio=False)
    told = manifest.frame[manifest.frame["accent"] != "undeclared"]
    manifest = replace(manifest, frame=told.reset_index(drop=True))
    hypotheses = read_hypotheses(folder / "mms_mms-1b-all.tsv", columns=columns)
    hypotheses = hypotheses[hypotheses["utterance_id"].isin(told["utterance_id"])]
    scores = score(manifest, hypotheses, WhisperEnglish())
    beside = score_beside(scores, manifest, hypotheses, profiles_beside(WhisperEnglish(), ["verbatim"]))
    policy = Policy(dimensions={"accent": DimensionPolicy(comparator="United States English")}, n_resamples=100)
    found = under({"whisper_english": scores} | beside, policy=policy)
    australian = found.verdicts[found.verdicts["slice"] == "Australian English"].set_index("normalizer")
    assert australian["gap"].round(3).to_dict() == {"whisper_english": -0.004, STRICT: 0.008, "verbatim": 0.054}
    assert set(australian["verdict"]) == {"insufficient"}  # nobody has a speaker id
    assert row_of(found.disparities, "Australian English")[SENSITIVE]
    english = row_of(found.disparities, "England English")
    assert not english[SENSITIVE]  # worse than the comparator by 1.6 to 2.4 points under all of them
    edited = australian.loc["whisper_english", ["edited_share", "comparator_edited_share"]]
    assert [round(share, 3) for share in edited] == [0.050, 0.038]
    alone = under({"verbatim": score(manifest, hypotheses, Verbatim()), STRICT: beside[STRICT]}, policy=policy)
    assert not row_of(alone.disparities, "England English")[SENSITIVE]


def test_a_slice_without_a_rate_has_a_reason_under_every_normaliser():
    accents = ["a", "b"] * 4
    scores = scores_of([1] * 8, [0, 9] * 4, accent=accents).assign(**TEXTS)
    found = under({"auto": scores, STRICT: scores}).verdicts
    silent = found[found[["wer", "p_adjusted"]].isna().any(axis=1)]
    assert len(silent) == 4
    assert silent["reason"].str.startswith("too few to say").all()
