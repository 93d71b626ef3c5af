"""sclite reads the pair of TRN files, and counts what the harness counts as far as its costs are the same."""

import csv
import json
import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.results import Run
from harness.results.exporters.sclite import sclite_words
from harness.results.exporters.table import COUNTS
from harness.results.exporters.trn import trn_ids, write_trn
from harness.scoring import LowercaseNoPunctuation
from tests.builders import FEW_RESAMPLES, harness
from tests.corpus.builders import row, write_manifest
from tests.results.exporters.sclite import check_claim, errors, needs_sclite, sclite_counts
from tests.results.exporters.tables import scored
from tests.shared import DATA, needs_data

RECORDED = Path(__file__).parent / "sclite_2_10.jsonl"  # NIST sclite 2.10 (SCTK 1.3), run on what the exporter wrote

# What sclite reads as something else than a word, and words that are nearly those.
SPECIAL = (
    *(
        "{",
        "}",
        "/",
        "{um",
        "@",
        "@@",
        ";;",
        ";",
        "a;b",
        "a",
        "a*",
        "*",
        "**",
        "\\",
        "a\\;b",
        "(um)",
        "(",
        ")",
        "(s-1)",
    ),
    *("<O,F>", "<NA>", "%", "%28", "%%", "%%ab", "-", "wor-", "-ord", "WORD", "word", "'", '"', "IGNORE_TIME_SEGMENT"),
    *("w" * 5_000, "w" * 4_999, "é" * 80, "\ufeff", "\x00", "\x07", "I", "i", "ı", "İ", "ß", "ss", "e\u0301", "é"),
    *("שלום", "हिन्दी", "中文", "😀", "👩🏽‍⚕️", "a\u200db", "\u202ea", "नमस्ते", "𝔸", "\ue000", "\u0378"),
)


def counts(table):
    columns = (table.frame[name] for name in COUNTS)
    return [tuple(map(int, each)) for each in zip(*columns, strict=True)]


def agreement(table, folder):
    """Check the claim for every row, and return a frame of both counts."""
    write_trn(table, folder)
    frame = table.frame
    words = trn_ids(frame["utterance_id"].tolist(), frame["speaker_id"].tolist())
    (found,) = sclite_counts(folder)
    theirs = [found[word] for word in words]
    assert len(found) == len(frame)
    for reference, hypothesis, our, their in zip(
        frame["reference"], frame["hypothesis"], counts(table), theirs, strict=True
    ):
        if our != their or len(reference) < 60:
            check_claim(reference, hypothesis, our, their)
    return pd.DataFrame({"ours": counts(table), "theirs": theirs})


def vectors(name):
    def lines(file):
        for line in (DATA / "vectors/sctk" / file).read_text().splitlines():
            text, _, utterance_id = line.rpartition(" (")
            yield utterance_id.removesuffix(")"), text

    references, heard = dict(lines("ref.trn")), dict(lines(f"{name}.trn"))
    assert list(references) == list(heard)
    return scored(
        list(zip(references.values(), heard.values(), strict=True)),
        ids=list(references),
        speakers=[each.partition("_")[0] for each in references],
    )


@needs_sclite
@needs_data("vectors/sctk")
@pytest.mark.parametrize(("system", "expected"), [("sysA", (64, 3, 2, 0)), ("sysB", (52, 12, 5, 3))])
def test_v1_3_both_programs_count_the_same(tmp_path, system, expected):
    both = agreement(vectors(system), tmp_path)
    assert tuple(map(sum, zip(*both["ours"], strict=True))) == expected
    assert both["theirs"].tolist() == both["ours"].tolist()
    assert not (tmp_path / "utterances.tsv").exists()  # sclite finds the speakers in these ids


def recorded():
    return [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


def table_of_recorded():
    lines = recorded()
    return scored(
        [(each["reference"], each["hypothesis"]) for each in lines],
        ids=[each["utterance_id"] for each in lines],
        speakers=[each["speaker_id"] for each in lines],
    )


def test_what_sclite_was_run_on_is_what_is_written_today(tmp_path):
    write_trn(table_of_recorded(), tmp_path)
    for name in ("ref", "hyp"):
        written = (tmp_path / f"{name}.trn").read_bytes().decode().split("\n")
        assert written == [*(each[name] for each in recorded()), ""]


def test_counts_agree_with_those_that_sclite_once_gave():
    lines, table = recorded(), table_of_recorded()
    n_other_kinds, n_more_errors = 0, 0
    for each, ours in zip(lines, counts(table), strict=True):
        theirs = tuple(each["sclite"])
        check_claim(each["reference"], each["hypothesis"], ours, theirs)
        n_other_kinds += ours != theirs
        n_more_errors += errors(ours) != errors(theirs)
    assert (n_other_kinds, n_more_errors) == (24, 8)  # put there on purpose; the others agree in every kind
    assert len(lines) == 178


@needs_sclite
def test_sclite_still_gives_what_it_once_gave(tmp_path):
    write_trn(table_of_recorded(), tmp_path)
    (found,) = sclite_counts(tmp_path)
    assert len(found) == len(recorded())
    for each in recorded():
        assert found[each["ref"].rpartition("(")[2].removesuffix(")")] == tuple(each["sclite"])


def hostile_pairs(rng, n_pairs):
    """Yield pairs of texts from a small vocabulary, so that words meet."""
    vocabulary = [*SPECIAL, *("".join(rng.choices("abAB-'", k=rng.randint(1, 4))) for _ in range(20))]
    for _ in range(n_pairs):
        said = rng.choices(vocabulary, k=rng.randint(0, 12))
        heard = [word for word in said if rng.random() < 0.8]
        for _ in range(rng.randint(0, 4)):
            heard.insert(rng.randint(0, len(heard)), rng.choice(vocabulary))
        yield " ".join(said), None if rng.random() < 0.02 else " ".join(heard)


@needs_sclite
def test_counts_agree_on_thousands_of_hostile_pairs(tmp_path):
    rng = random.Random(7)
    pairs = list(hostile_pairs(rng, 4_000))
    both = agreement(scored(pairs, speakers=rng.choices(("s", "S", "a-b", "a_b", "é", None), k=len(pairs))), tmp_path)
    same = both["ours"] == both["theirs"]
    assert same.mean() > 0.8  # the vocabulary is small, so that there are far more ties than in speech
    assert (both["ours"].map(errors) == both["theirs"].map(errors)).mean() > 0.99


TEXTS = st.lists(st.one_of(st.sampled_from(SPECIAL), st.text(min_size=1, max_size=6)), max_size=6).map(" ".join)
IDS = st.text(min_size=1, max_size=8).map(lambda text: " ".join(text.split())).filter(bool)


@needs_sclite
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(IDS, st.tuples(TEXTS, TEXTS, st.one_of(st.none(), IDS)), min_size=1, max_size=8))
def test_counts_agree_whatever_texts_ids_and_speakers_are(tmp_path, rows):
    pairs = [(reference, hypothesis) for reference, hypothesis, _ in rows.values()]
    agreement(scored(pairs, ids=list(rows), speakers=[speaker for *_, speaker in rows.values()]), tmp_path)


def edacc(system):
    path = next((DATA / "edacc").glob(f"*{system}*.jsonl"))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    normalise = LowercaseNoPunctuation()
    return scored(
        [(normalise(each["ref_raw"]), normalise(each["hyp_raw"] or "")) for each in rows],
        ids=[each["utt_id"] for each in rows],
        speakers=[each["speaker"] for each in rows],
    )


@needs_sclite
@needs_data("edacc")
def test_on_conversations_the_sum_of_errors_is_the_same_but_for_a_few_words(tmp_path):
    both = agreement(edacc("whisper"), tmp_path)
    assert len(both) == 9_177
    n_other_kinds = (both["ours"] != both["theirs"]).sum()
    n_more = (both["ours"].map(errors) != both["theirs"].map(errors)).sum()
    n_words = sum(sum(each[:3]) for each in both["ours"])
    points = 100 * (both["theirs"].map(errors).sum() - both["ours"].map(errors).sum()) / n_words
    assert n_other_kinds / len(both) < 0.02
    assert n_more <= 10
    assert 0 <= points < 0.01


@needs_sclite
@needs_data("artie")
@pytest.mark.parametrize("system", ["amazon_en-US", "google_en-US", "deepspeech_0.7.3"])
def test_on_read_sentences_the_sum_of_errors_is_the_same(tmp_path, system):
    said, heard = (
        pd.read_csv(DATA / "artie" / name, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE)
        for name in ("artie-bias-corpus.tsv", f"predictions/{system}.tsv")
    )
    rows = said.assign(id=said["path"].str.removesuffix(".mp3")).merge(
        heard.assign(id=heard["path"].str.removesuffix(".wav")), on="id", validate="one_to_one"
    )
    normalise = LowercaseNoPunctuation()
    pairs = list(zip(rows["sentence"].map(normalise), rows["prediction"].map(normalise), strict=True))
    both = agreement(scored(pairs, ids=rows["id"].tolist(), speakers=rows["client_id"].tolist()), tmp_path)
    assert len(both) > 1_700
    assert both["ours"].map(errors).sum() == both["theirs"].map(errors).sum()
    assert (both["ours"] != both["theirs"]).mean() < 0.02


@needs_sclite
def test_a_run_is_exported_by_a_command_and_counted_alike(tmp_path):
    rows = [
        row("a/u1.wav", speaker_id="s-1", text="Open the {gate} now, please!"),
        row("a/u2.wav", speaker_id="s-1", text=""),
        row("a/u3.wav", speaker_id="s 2", text="Close it."),
    ]
    write_manifest(tmp_path, rows)
    (tmp_path / "heard.csv").write_text(
        "utterance_id,text,error\na/u1.wav,Open gate now now,\na/u2.wav,hello (you),\na/u3.wav,,out of memory\n"
    )
    options = ("manifest.path=toy.jsonl", "hypotheses=heard.csv", "run_dir=run", "normalizer=verbatim")
    assert harness("rescore", *options, *FEW_RESAMPLES, cwd=tmp_path).exit_status in (0, 3, 4)
    exported = harness("export", "format=trn", "manifest.path=toy.jsonl", "run=run", "out=trn", cwd=tmp_path)
    assert exported.exit_status == 0, exported.err
    (found,) = sclite_counts(tmp_path / "trn")
    assert found == {"s%2d1-a/u1.wav": (1, 3, 1, 0), "s%2d1-a/u2.wav": (0, 0, 0, 2), "s%202-a/u3.wav": (0, 0, 2, 0)}
    scores = Run.open(tmp_path / "run").scores
    assert list(found.values()) == [tuple(each) for each in scores[list(COUNTS)].to_numpy().tolist()]


@needs_sclite
def test_every_condition_has_its_hypotheses_and_one_reference(tmp_path):
    clean = scored([("a b", "a b"), ("c", "d")])
    noisy = scored([("a b", "a"), ("c", None)], condition="noise 10 dB")
    table = type(clean)(
        clean.name, pd.concat([clean.frame, noisy.frame], ignore_index=True), clean.datasheet, (), True, None
    )
    paths = write_trn(table, tmp_path)
    assert [path.name for path in paths] == [
        "ref.trn", "hyp_clean.trn", "hyp_noise_10_dB.trn", "utterances.tsv", "README.txt",
    ]  # fmt: skip
    assert sclite_counts(tmp_path) == [
        {"s-u0": (2, 0, 0, 0), "s-u1": (0, 1, 0, 0)},
        {"s-u0": (1, 0, 1, 0), "s-u1": (0, 0, 1, 0)},
    ]
    write_trn(clean, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("hyp*")) == ["hyp.trn"]


@pytest.mark.parametrize(
    ("ids", "speakers", "expected"),
    [
        pytest.param(["s-1", "t_2"], ["s", "t"], ["s-1", "t_2"], id="as-sclite-finds-them"),
        pytest.param(["s-1", "t_2"], ["s", "u"], ["s-s-1", "u-t_2"], id="one-is-not-so"),
        pytest.param(["s_1-2"], ["s_1"], ["s_1-2"], id="a-hyphen-comes-first"),
        pytest.param(["s_1-2"], ["s"], ["s-s_1-2"], id="an-underscore-does-not"),
        pytest.param(["1"], [None], ["%none-1"], id="nobody"),
        pytest.param(["1"], ["%none"], ["%25none-1"], id="called-nobody"),
        pytest.param(["a (1)"], ["a-b"], ["a%2db-a%20%281%29"], id="brackets-blanks-hyphens"),
    ],
)
def test_ids_say_the_speaker_as_sclite_looks_for_it(ids, speakers, expected):
    assert trn_ids(ids, speakers) == expected


def test_different_words_stay_different():
    words = [*SPECIAL, "%7b", "%%", "%40", "w" * 91, "w" * 92]
    assert len({sclite_words(word) for word in words}) == len(set(words))
    assert len(set(trn_ids(words, ["s"] * len(words)))) == len(set(words))
    assert max(len(word.encode()) for word in trn_ids(words, words)) < 500


def test_what_ids_stand_for_is_beside_them(tmp_path):
    write_trn(scored([("a", "a"), ("b", "b")], ids=["u 1", "u2"], speakers=["s-1", None]), tmp_path)
    assert (tmp_path / "utterances.tsv").read_text() == (
        "id\tutterance_id\tspeaker_id\ns%2d1-u%201\tu 1\ts-1\n%none-u2\tu2\t\n"
    )
