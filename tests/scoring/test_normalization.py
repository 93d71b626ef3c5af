import csv
import json
import random
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scoring import (
    ByLanguage,
    LowercaseNoPunctuation,
    Verbatim,
    WhisperBasic,
    WhisperEnglish,
    gated_english,
    normalization,
)
from harness.scoring.gated_english import GatedEnglish
from tests.scoring.builders import openai_english, openai_rules
from tests.shared import DATA, REPOSITORY, needs_data


def every_line(folder, suffix, step):  # step 1 takes a minute; none of 108,943 texts differed
    lines = [
        line for path in sorted((DATA / folder).rglob(f"*{suffix}")) for line in path.read_text("utf-8").split("\n")
    ]
    return lines[::step]


def edacc_texts():
    rows = [json.loads(line) for line in every_line("edacc", ".jsonl", 15) if line]
    return [text for row in rows for text in (row["ref_raw"], row["hyp_raw"])]


def tsv_texts(folder, step):
    return [cell for cells in csv.reader(every_line(folder, ".tsv", step), delimiter="\t", quoting=3) for cell in cells]


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(lambda: tsv_texts("artie", 2), id="artie", marks=needs_data("artie")),
        pytest.param(edacc_texts, id="edacc", marks=needs_data("edacc")),
        pytest.param(lambda: tsv_texts("commonvoice", 23), id="common-voice", marks=needs_data("commonvoice")),
    ],
)
def test_whisper_english_is_openais_on_real_texts(texts):
    ours, theirs = WhisperEnglish(), openai_english()
    assert [(text, ours(text), theirs(text)) for text in set(texts()) if ours(text) != theirs(text)] == []


# Whatever triggers a rule of the original, and what can complete a trigger when a rule before it fires.
PIECES = [
    *(pattern.replace(r"\b", "") for pattern in openai_english().replacers),
    *sorted(openai_english().standardize_numbers.words),
    *(
        "and a half",
        "half",
        "um",
        "uh",
        "mhm",
        "wo",
        "n",
        "t",
        "s",
        "d",
        "m",
        "been",
        "done",
        "st",
        "r",
        "colour",
        "aks",
        "gone",
        "got",
        "gotten",
        "he's",
        "she'd",
        "'s",
        "th",
        "nd",
        "rd",
        "summer",
        "and-5",
    ),
    *(
        "'",
        "’",
        "<",
        ">",
        "[",
        "]",
        "(",
        ")",
        "$",
        "¢",
        "£",
        "%",
        ".",
        ",",
        "-",
        "7",
        "07",
        "1",
        "3.50",
        "٣",
        "½",
        "é",
        "ﬁ",
        "İ",
        "Σ",
        "²",
        "…",
        "$5",
        "¢7",
        "$0",
        "5%",
        "_",
    ),
]
SEPARATORS = ["", " ", " ", " ", "\t", "\u00a0", "'", "-"]
spoken = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(SEPARATORS)), max_size=8).map(
    lambda pairs: "".join(piece + separator for piece, separator in pairs)
)


WHISPER_ENGLISH = WhisperEnglish()


def outcome(rules, text):
    """Return what the rules return, or how they fail: the original raises on some numbers."""
    try:
        return rules(text)
    except Exception as error:
        return type(error)


@settings(max_examples=1000, deadline=None)
@given(st.one_of(spoken, spoken.map(str.upper), st.text(max_size=30)))
def test_whisper_english_is_openais_on_any_text(text):
    assert outcome(WHISPER_ENGLISH, text) == outcome(openai_english(), text)


def texts_of_pieces(n_texts):
    rng = random.Random(4)
    for _ in range(n_texts):
        yield "".join(rng.choice(PIECES) + rng.choice(SEPARATORS) for _ in range(rng.randrange(1, 8)))


def test_whisper_english_does_not_change_with_what_it_has_seen(monkeypatch):
    monkeypatch.setattr(gated_english, "_MOST_WORDS", 40)
    monkeypatch.setattr(gated_english, "_MOST_RUNS", 5)
    forgetful = WhisperEnglish()
    texts = list(texts_of_pieces(3_000))
    assert [text for text in texts if outcome(forgetful, text) != outcome(openai_english(), text)] == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("he's been there", id="a-contraction-of-two-words"),
        pytest.param("he's  been there", id="two-spaces-keep-it-apart"),
        pytest.param("it's gotta be", id="a-contraction-brings-its-second-word"),
        pytest.param("rock 'n' roll", id="a-space-before-an-apostrophe"),
        pytest.param("rock um'n", id="a-filler-leaves-an-apostrophe-behind-a-space"),
        pytest.param("say [not this] nor (that one) here", id="brackets-hold-several-words"),
        pytest.param("two and a half", id="and-a-half"),
        pytest.param("one hundred and five and he", id="and-between-numbers"),
        pytest.param("and-5 and one-and", id="and-beside-a-numeral-in-a-word"),
        pytest.param("the 20 th of may", id="a-numeral-takes-its-ending"),
        pytest.param("$2 and ¢7 or two dollars um and seven cents", id="currencies-join"),
        pytest.param("$0 12 cents", id="cents-alone"),
        pytest.param("minus point x, double o seven", id="signs-and-doubles"),
        pytest.param("five per cent, per cent", id="percent"),
        pytest.param("wait... no. .5 or 3.5. $ 5 % x", id="symbols-without-numbers"),
        pytest.param("AND-%, N'T", id="a-percent-sign-beside-and"),
        pytest.param("ΑΣ ΑΣ. ² ½ ﬁve …", id="characters-that-decompose"),
    ],
)
def test_words_that_are_read_together_are_those_of_the_original(text):
    for around in (text, f"summer {text} winter", f"seven {text} and 2 s"):
        assert WHISPER_ENGLISH(around) == openai_english()(around)


def test_no_contraction_brings_another_into_a_text():
    literals = [pattern.replace(r"\b", "") for pattern in openai_english().replacers]
    starts = sorted({literal[:k] for literal in literals for k in range(len(literal))})
    ends = sorted({literal[k:] for literal in literals for k in range(1, len(literal) + 1)})
    rng = random.Random(3)
    texts = ["".join(map(rng.choice, (starts, literals, ends))) for _ in range(4_000)]  # of 49 x 97 x 84: none differed
    assert [text for text in texts if WHISPER_ENGLISH(text) != openai_english()(text)] == []


def test_v9_1_whisper_basic_splits_contractions_and_drops_what_is_in_brackets():
    assert WhisperBasic()("Don't [noise] (laughs) STOP!").split() == ["don", "t", "stop"]


def test_rules_of_another_version_are_run_in_full(monkeypatch):
    monkeypatch.setattr(normalization, "_RULES_SHOWN_EXACT", frozenset())
    in_full = WhisperEnglish()
    assert not isinstance(in_full._normalise, GatedEnglish)
    assert in_full("Mr. O'Neil can't, um, colour it") == openai_english()("Mr. O'Neil can't, um, colour it")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("gonna gotta wanna y'all", "going to got to want to you all", id="mainstream-reductions-unified"),
        pytest.param("finna tryna ima lemme hafta aks", "finna tryna ima lemme hafta aks", id="others-left"),
        pytest.param("colour organise programme", "color organize program", id="american-spelling"),
        pytest.param("twenty five dollars", "$25", id="currency"),
        pytest.param("one oh one", "101", id="digits-joined"),
        pytest.param("1 0 1", "one 0 one", id="the-originals-bug-kept"),
        pytest.param("mhm uh-huh", "huh", id="fillers"),
        pytest.param("half past three", "half past 3", id="number-word"),
        pytest.param("okay ok", "okay ok", id="okay-not-unified"),
    ],
)
def test_whisper_english_gives_the_published_pairs(text, expected):
    assert WhisperEnglish()(text).strip() == expected


@settings(max_examples=300, deadline=None)
@given(st.one_of(spoken, st.text(max_size=40)))
def test_whisper_basic_is_openais_where_there_are_no_marks(text):
    if not any(unicodedata.category(c)[0] == "M" for c in unicodedata.normalize("NFKC", text.lower())):
        assert WhisperBasic()(text) == openai_rules().BasicTextNormalizer()(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("मैं हिन्दी बोलता हूँ।", ["मैं", "हिन्दी", "बोलता", "हूँ"], id="devanagari"),
        pytest.param("நான் தமிழ், பேசுகிறேன்!", ["நான்", "தமிழ்", "பேசுகிறேன்"], id="tamil"),
        pytest.param("ที่นี่ ภาษาไทย", ["ที่นี่", "ภาษาไทย"], id="thai"),
        pytest.param("كَتَبَ الوَلَدُ؟", ["كَتَبَ", "الوَلَدُ"], id="arabic"),
        pytest.param("שָׁלוֹם", ["שָׁלוֹם"], id="hebrew"),
        pytest.param("ආයුබෝවන් ශ්‍රී", ["ආයුබෝවන්", "ශ්‍රී"], id="sinhala-with-a-joiner"),
        pytest.param("I ❤️ it 1️⃣ ◌ा", ["i", "it", "1"], id="marks-without-a-letter-are-no-words"),
        pytest.param("[noise] Ça (inaudible) va?", ["ça", "va"], id="brackets"),
    ],
)
def test_whisper_basic_keeps_the_marks_of_a_script(text, words):
    expected = [unicodedata.normalize("NFKC", word) for word in words]
    assert WhisperBasic()(text).split() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Don’t STOP", "don't stop", id="typographic-apostrophe"),
        pytest.param("'Cause the dogs' 'n' cats''", "cause the dogs n cats", id="quotation-marks-at-edges"),
        pytest.param("re-open—now and/or never", "re open now and or never", id="dashes-and-slashes-separate"),
        pytest.param("well...yes…no", "well yes no", id="ellipsis-separates"),
        pytest.param("the U.S. costs $5", "the us costs 5", id="dots-and-symbols-go"),
        pytest.param("um, twenty-five colours", "um twenty five colours", id="words-stay-as-said"),
        pytest.param("STRASSE Straße", "strasse strasse", id="case-is-folded"),
        pytest.param("cafe\u0301 CAFÉ", "café café", id="one-spelling-of-an-accent"),
        pytest.param("हिन्दी।", "हिन्दी", id="marks-stay"),
        pytest.param(" … ' — ", "", id="only-punctuation"),
    ],
)
def test_lowercase_no_punctuation_changes_case_and_punctuation_only(text, expected):
    assert LowercaseNoPunctuation()(text) == expected


def test_verbatim_changes_white_space_only():
    assert Verbatim()("\u00a0 Turn\tit  OFF.\n") == "Turn it OFF."


@pytest.mark.parametrize(
    "normalizer", [WhisperBasic(), Verbatim(), LowercaseNoPunctuation()], ids=lambda n: n.id.split("@")[0]
)
@settings(max_examples=100, deadline=None)
@given(text=st.one_of(spoken, st.text(max_size=30)))
def test_normalising_twice_changes_no_word(normalizer, text):
    once = normalizer(text).split()
    if "İ" not in text and all(unicodedata.category(c) != "Cn" for c in text):
        assert normalizer(" ".join(once)).split() == once


@pytest.mark.parametrize(
    ("language", "name"),
    [
        pytest.param("en", "whisper_english", id="english"),
        pytest.param("en-NG", "whisper_english", id="a-region-of-english"),
        pytest.param("EN_gb", "whisper_english", id="other-spelling"),
        pytest.param("enm", "whisper_basic", id="middle-english-is-not-english"),
        pytest.param("hi", "whisper_basic", id="hindi"),
        pytest.param(None, "whisper_basic", id="undeclared-is-not-taken-for-english"),
    ],
)
def test_the_language_chooses_the_rules(language, name):
    assert ByLanguage().for_language(language).id.startswith(f"{name}@")


def test_an_id_names_rules_version_and_digest_and_no_two_share_one():
    ids = [n.id for n in (WhisperEnglish(), WhisperBasic(), Verbatim(), LowercaseNoPunctuation())]
    assert [i.split("@")[0] for i in ids] == [
        "whisper_english",
        "whisper_basic",
        "verbatim",
        "lowercase_no_punctuation",
    ]
    assert all(len(i.split("+")[1]) == 8 for i in ids)
    assert len({i.split("+")[1] for i in ids}) == 4
    assert ids[0] in ByLanguage().id
    assert ids[1] in ByLanguage().id


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            "import harness.scoring as s, sys; s.ByLanguage(); s.WhisperEnglish()('um');"
            "assert not {'torch', 'whisper', 'scipy'} & set(sys.modules)",
            id="without-torch",
        ),
        pytest.param(
            "from harness.scoring import WhisperEnglish; ours = WhisperEnglish();"
            "import whisper, whisper.normalizers as n; from whisper.normalizers.english import EnglishTextNormalizer;"
            "assert whisper.normalizers is n and callable(whisper.load_model);"
            "assert ours('Mr. Colour') == EnglishTextNormalizer()('Mr. Colour')",
            id="before-a-real-import-of-whisper",
        ),
        pytest.param(
            "import whisper; from whisper.normalizers import EnglishTextNormalizer;"
            "from harness.scoring import WhisperEnglish;"
            "assert WhisperEnglish()('Mr. Colour') == EnglishTextNormalizer()('Mr. Colour');"
            "import whisper.normalizers as n; assert n.EnglishTextNormalizer is EnglishTextNormalizer",
            id="after-a-real-import-of-whisper",
        ),
    ],
)
def test_the_rules_load_beside_openai_whisper(program):
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
