"""Speed is of what was recognised in this run: not of the cache, not of failures' audio, of every slice alike."""

import numpy as np
import pandas as pd
import pytest

from harness.corpus.attributes import OUTPUT_COLUMNS
from harness.fairness import slice_table
from harness.fairness.speed import SPEED_COLUMNS, speed_table
from harness.transcription.store import CLEAN
from tests.fairness.builders import policy_of, row_of, scores_of

NAN = np.nan
COUNTS = ["n_utterances", "n_recognised", "n_cached", "n_failed", "n_untimed"]


def timed(*clips, **columns):
    """Return scores and hypotheses of clips: seconds of audio, of processing, of latency, and what became of it."""
    audio_s, processing_s, latency_s, ends = zip(*clips, strict=True)
    scores = scores_of([0] * len(clips), [5] * len(clips), **columns).assign(
        failed=[end == "failed" for end in ends], audio_s=audio_s, processing_s=processing_s
    )
    if "condition" not in scores:
        scores["condition"] = CLEAN
    told = scores[["utterance_id", "condition"]].assign(latency_s=latency_s, cached=[end == "cached" for end in ends])
    return scores, told


def heard(audio_s, processing_s, latency_s=NAN):
    return audio_s, processing_s, latency_s, "heard"


CACHED = (4.0, NAN, NAN, "cached")
UNDECODABLE = (NAN, NAN, NAN, "failed")


def table_of(scores, hypotheses, by="accent", **options):
    return speed_table(scores, hypotheses, by, **options)


def test_a_case_done_by_hand():
    refused = (8.0, 4.0, 4.0, "failed")
    scores, told = timed(
        heard(10.0, 2.0, 1.0), heard(6.0, 2.0, 3.0), CACHED, UNDECODABLE, refused, heard(3.0, 3.0, 3.0),
        accent=["x", "x", "x", "x", "x", "y"],
    )  # fmt: skip
    table = table_of(scores, told)
    assert list(table.columns) == list(SPEED_COLUMNS)
    everybody, x, y = table.to_dict("records")
    assert (everybody["dimension"], everybody["slice"]) == ("overall", "all")
    assert [x[name] for name in COUNTS] == [5, 2, 1, 2, 0]
    assert (x["audio_s"], x["processing_s"], x["rtfx"]) == (16.0, 8.0, 2.0)
    assert (x["latency_p50_s"], x["latency_p95_s"]) == (2.0, pytest.approx(2.9))  # of 1 and 3: failures have no text
    assert x["latency_per_audio_p50"] == pytest.approx((0.1 + 0.5) / 2)
    assert x["note"] == "4 s went into clips that failed"
    assert (y["rtfx"], y["note"], everybody["rtfx"]) == (1.0, "", 19 / 11)


@pytest.mark.parametrize(
    ("clips", "counts", "note"),
    [
        pytest.param([CACHED, CACHED], [2, 0, 2, 0, 0], "nothing was recognised: 2 from the cache", id="cached"),
        pytest.param([UNDECODABLE], [1, 0, 0, 1, 0], "nothing was recognised: 1 failed", id="undecodable"),
        pytest.param(
            [CACHED, (2.0, 5.0, 5.0, "failed")],
            [2, 0, 1, 1, 0],
            "nothing was recognised: 1 from the cache, 1 failed; 5 s went into clips that failed",
            id="cached-and-failed",
        ),
        pytest.param([heard(2.0, NAN)], [1, 0, 0, 0, 1], "nothing was recognised: 1 without times", id="untimed"),
        pytest.param([heard(NAN, 2.0)], [1, 0, 0, 0, 1], "nothing was recognised: 1 without times", id="no-audio-told"),
    ],
)
def test_a_slice_of_which_nothing_was_recognised_has_no_speed_and_says_why(clips, counts, note):
    scores, told = timed(*clips, heard(1.0, 1.0, 1.0), accent=["x"] * len(clips) + ["y"])
    row = row_of(table_of(scores, told), "x")
    assert [row[name] for name in COUNTS] == counts
    assert np.isnan([row[name] for name in ("rtfx", "latency_p50_s", "latency_p95_s", "latency_per_audio_p50")]).all()
    assert row["note"] == note


def test_the_real_time_factor_of_the_slice_table_is_the_same():
    scores, told = timed(
        heard(10.0, 2.0), CACHED, (60.0, 0.1, 0.1, "failed"), UNDECODABLE, CACHED, accent=["x", "x", "x", "x", "y"]
    )
    slices = slice_table(scores, "accent", policy_of(), np.random.default_rng(0))
    expected = [10 / 2.1, 10 / 2.1, NAN]  # a minute refused in 0.1 s, and what is from the cache, make nothing fast
    assert slices["rtfx"].tolist() == pytest.approx(expected, nan_ok=True)
    assert table_of(scores, told)["rtfx"].tolist() == pytest.approx(expected, nan_ok=True)


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(0)
    n = 400
    ends = rng.choice(["heard", "cached", "failed", "lost"], n, p=[0.6, 0.2, 0.1, 0.1])
    audio_s, processing_s = rng.uniform(0.5, 20, n), rng.uniform(0.1, 3, n)
    audio_s[ends == "lost"] = NAN  # could not be decoded
    processing_s[np.isin(ends, ["cached", "lost"])] = NAN
    clips = zip(
        audio_s, processing_s, rng.uniform(0.2, 9, n), np.where(ends == "lost", "failed", ends).tolist(), strict=True
    )
    scores, told = timed(
        *clips,
        accent=rng.choice(["x", "y", "undeclared", "declined"], n).tolist(),
        gender=rng.choice(["f", "m", "undeclared"], n).tolist(),
        condition=["clean", "noisy"] * (n // 2),
    )
    known = rng.random(n) < 0.7
    return scores, told.assign(cost_usd=np.where(known, rng.uniform(0, 0.1, n), NAN))


def naive(rows):
    """Return what a slice's row must hold, a clip at a time."""
    recognised = [row for row in rows if not row["failed"] and not row["cached"]]
    given = [row for row in rows if not np.isnan(row["processing_s"])]
    latencies = sorted(row["latency_s"] for row in recognised)
    place = 0.95 * (len(latencies) - 1)
    low = int(place)
    high = min(low + 1, len(latencies) - 1)
    return {
        "n_utterances": len(rows),
        "n_recognised": len(recognised),
        "n_cached": sum(row["cached"] for row in rows),
        "n_failed": sum(row["failed"] for row in rows),
        "n_untimed": 0,
        "audio_s": sum(row["audio_s"] for row in recognised),
        "processing_s": sum(row["processing_s"] for row in given),
        "rtfx": sum(row["audio_s"] for row in recognised) / sum(row["processing_s"] for row in given),
        "latency_p50_s": float(np.median(latencies)),
        "latency_p95_s": latencies[low] + (place - low) * (latencies[high] - latencies[low]),
        "latency_per_audio_p50": float(np.median([row["latency_s"] / row["audio_s"] for row in recognised])),
        "cost_usd": sum(row["cost_usd"] for row in rows if not np.isnan(row["cost_usd"])),
    }


def test_every_row_equals_a_naive_recount(corpus):
    scores, told = corpus
    joined = scores.assign(**{name: told[name].to_numpy() for name in ("latency_s", "cached", "cost_usd")})
    records = joined.to_dict("records")
    table = table_of(scores, told, ["condition", "accent", "gender", "accent & gender"])
    assert len(table) == 1 + 2 + 4 + 3 + 12
    for row in table.to_dict("records"):
        wanted = (
            dict(zip(row["dimension"].split(" & "), row["slice"].split(" & "), strict=True))
            if row["dimension"] != "overall"
            else {}
        )
        inside = [each for each in records if all(each[name] == value for name, value in wanted.items())]
        for column, expected in naive(inside).items():
            assert row[column] == pytest.approx(expected, rel=1e-9), (row["slice"], column)


def test_nobody_disappears(corpus):
    table = table_of(*corpus, ["accent", "gender", "accent & gender"])
    assert {"undeclared", "declined"} <= set(table["slice"])
    for _, rows in table.groupby("dimension"):
        assert rows["n_utterances"].sum() == len(corpus[0])
    assert (table["n_utterances"] == table[COUNTS[1:]].sum(axis=1)).all()


def test_the_order_of_rows_does_not_matter(corpus):
    scores, told = corpus
    shuffled = scores.sample(frac=1, random_state=1), told.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(table_of(*shuffled), table_of(scores, told), rtol=1e-12)


def test_the_same_utterance_has_the_times_of_its_own_condition():
    scores, told = timed(heard(2.0, 1.0, 1.0), heard(2.0, 4.0, 4.0), condition=["clean", "noisy"])
    scores["utterance_id"] = told["utterance_id"] = "u0"
    table = table_of(scores, told.iloc[::-1], "condition").set_index("slice")
    assert table["latency_p50_s"].to_dict() == {"all": 2.5, "clean": 1.0, "noisy": 4.0}
    assert table["rtfx"].to_dict() == {"all": 0.8, "clean": 2.0, "noisy": 0.5}


def test_transcripts_that_carry_seconds_and_nothing_else_have_a_speed_and_no_latency():
    scores, told = timed(heard(2.0, 1.0), heard(4.0, 1.0), accent=["x", "y"])
    row = table_of(scores, told[["utterance_id"]]).iloc[0]
    assert (row["n_recognised"], row["n_cached"], row["rtfx"]) == (2, 0, 3.0)
    assert np.isnan([row["latency_p50_s"], row["cost_usd"]]).all()


def test_a_clip_of_no_length_is_recognised_and_has_no_latency_per_audio():
    row = table_of(*timed(heard(0.0, 1.0, 1.0), accent=["x"])).iloc[0]
    assert (row["n_recognised"], row["rtfx"], row["latency_p50_s"]) == (1, 0.0, 1.0)
    assert np.isnan(row["latency_per_audio_p50"])


def test_an_empty_corpus_is_a_row_without_a_speed():
    scores, told = timed(heard(1.0, 1.0, 1.0), accent=["x"])
    (row,) = table_of(scores.iloc[:0], told.iloc[:0]).to_dict("records")
    assert (row["n_utterances"], row["note"]) == (0, "nothing was recognised")
    assert np.isnan(row["rtfx"])


def test_no_attribute_can_have_the_name_of_a_column_of_the_table():
    assert set(SPEED_COLUMNS) <= OUTPUT_COLUMNS
