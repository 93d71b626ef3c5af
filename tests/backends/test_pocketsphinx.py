"""PocketSphinx hears real digits, the same whatever came before, and refuses grammars it would misread."""

import hashlib
import os

import numpy as np
import pytest

from harness.audio import read_waveform
from harness.backends.pocketsphinx import PocketSphinx
from harness.errors import BackendError, UsageError
from tests.shared import DATA, needs_data

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GRAMMAR = f"#JSGF V1.0;\ngrammar digits;\npublic <digit> = {' | '.join(DIGITS)};\n"


@pytest.fixture(scope="module")
def grammar(tmp_path_factory):
    path = tmp_path_factory.mktemp("grammar") / "digits.gram"
    path.write_text(GRAMMAR)
    return str(path)


@pytest.fixture(scope="module")
def recordings():
    return sorted((DATA / "fsdd" / "recordings").glob("*.wav"))[::4]  # 150 of 600, all speakers and digits


@pytest.fixture(scope="module")
def waveforms(recordings):
    return [read_waveform(path) for path in recordings]


@pytest.fixture(scope="module")
def transcripts(grammar, waveforms):
    return PocketSphinx(grammar=grammar).transcribe(waveforms)


@needs_data("fsdd")
def test_most_real_digits_are_heard_and_only_words_of_the_grammar(transcripts, recordings):
    spoken = [DIGITS[int(path.name[0])] for path in recordings]
    assert sum(transcript.text == word for transcript, word in zip(transcripts, spoken, strict=True)) > len(spoken) / 2
    assert {transcript.text for transcript in transcripts} <= {*DIGITS, ""}


@needs_data("fsdd")
def test_a_transcript_does_not_depend_on_the_clips_before_it(grammar, waveforms, transcripts):
    assert PocketSphinx(grammar=grammar).transcribe(waveforms[::-1])[::-1] == transcripts
    for position in range(0, len(waveforms), 25):
        assert PocketSphinx(grammar=grammar).transcribe([waveforms[position]]) == [transcripts[position]]


@needs_data("fsdd")
def test_silence_and_noise_before_a_clip_change_nothing(grammar, waveforms, transcripts):
    backend = PocketSphinx(grammar=grammar)
    noise = np.random.default_rng(0).uniform(-1, 1, 32_000).astype(np.float32)
    for position in range(0, 30, 3):
        backend.transcribe([noise, np.zeros(16_000, dtype=np.float32)])
        assert backend.transcribe([waveforms[position]]) == [transcripts[position]]


@needs_data("fsdd")
def test_words_carry_times_inside_the_clip_and_no_fillers(waveforms, transcripts):
    for waveform, transcript in zip(waveforms, transcripts, strict=True):
        assert " ".join(word.text for word in transcript.words) == transcript.text
        for word in transcript.words:
            assert 0 <= word.start_s < word.end_s <= len(waveform) / 16_000 + 0.02
            assert 0 <= word.confidence <= 1


@needs_data("speech")
def test_without_a_grammar_it_hears_free_speech_the_same_each_time():
    clip = read_waveform(DATA / "speech" / "jfk.flac", offset_s=8.0)
    backend = PocketSphinx()
    first, second = backend.transcribe([clip, clip])
    assert first == second
    assert "what you can do" in first.text
    assert all("(" not in word.text for word in first.words)


@pytest.mark.parametrize("num_samples", [0, 1, 160, 400, 411, 800, 1_600])
def test_a_very_short_clip_is_heard_as_nothing_and_the_next_as_ever(grammar, num_samples):
    backend = PocketSphinx(grammar=grammar)
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, num_samples).astype(np.float32)
    first, again = backend.transcribe([noise, noise])
    assert first.text == ""
    assert first == again


def test_a_clip_beyond_full_scale_is_clipped_not_wrapped(grammar):
    loud = 40 * np.sin(np.arange(16_000) * 0.05).astype(np.float32)
    clipped = np.clip(loud, -1, 1)
    backend = PocketSphinx(grammar=grammar)
    assert backend.transcribe([loud]) == backend.transcribe([clipped])


def test_a_clip_that_fails_is_an_error_and_the_next_is_heard_as_ever(grammar):
    backend = PocketSphinx(grammar=grammar)
    clip = np.random.default_rng(0).uniform(-0.1, 0.1, 8_000).astype(np.float32)
    (expected,) = backend.transcribe([clip])
    backend._decoder.start_utt()  # an utterance left open makes the engine refuse the next
    with pytest.raises(BackendError, match="failed on a clip of 8,000 samples"):
        backend.transcribe([clip])
    assert backend.transcribe([clip]) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("hello this is text", "begins with '#JSGF", id="no-grammar-at-all"),
        pytest.param("", "begins with '#JSGF", id="empty"),
        pytest.param("#JSGF V1.0;\ngrammar g;\npublic <a> = one | (two;", "syntax error.*line 3", id="syntax-error"),
        pytest.param("#JSGF V1.0;\ngrammar g;\n<a> = one;", r"one public rule, found 0 \(none\)", id="no-public-rule"),
        pytest.param(
            "#JSGF V1.0;\ngrammar g;\npublic <a> = one;\npublic <b> = two;",
            r"found 2 \(a, b\)",
            id="two-public-rules",
        ),
        pytest.param(
            "#JSGF V1.0;\ngrammar g;\npublic <a> = one | <b> | <g.c>;\n<c> = two;",
            "does not define: <b>$",
            id="undefined-rule",
        ),
        pytest.param("#JSGF V1.0;\ngrammar g;\nimport <other.*>;\npublic <a> = one;", "imports another", id="import"),
        pytest.param("#JSGF V1.0;\ngrammar g;\npublic <a> = <NULL>;", "no words", id="no-words"),
        pytest.param(
            "#JSGF V1.0;\ngrammar g; // frobnicate\npublic <a> = /0.5/ one {tagword} | [Marmite] | /* gone */ <b>+;\n"
            "<b> = (qwertyzip | two)*;",
            "2 words are not in the dictionary .*: Marmite, qwertyzip. Write words as the dictionary does",
            id="words-it-cannot-pronounce",
        ),
    ],
)
@pytest.mark.parametrize("start", ["load", "identity", "transcribe"])
def test_a_grammar_it_would_misread_is_refused_before_the_first_clip(tmp_path, text, expected, start):
    path = tmp_path / "g.gram"
    path.write_text(text)
    backend = PocketSphinx(grammar=str(path))
    with pytest.raises(UsageError, match=expected) as raised:
        getattr(backend, start)(*([[np.zeros(160, dtype=np.float32)]] if start == "transcribe" else []))
    assert "g.gram" in str(raised.value)


def test_a_grammar_may_have_comments_weights_tags_and_repetitions(tmp_path):
    path = tmp_path / "g.gram"
    path.write_text(
        "#JSGF V1.0 UTF-8;\n// a comment; with <nothing> = in it\ngrammar g;\n"
        "public <a> = /0.9/ <b> [please] {polite} | /0.1/ <g.b> <NULL>;\n/* more\n */ <b> = (turn | switch)+ on;\n"
    )
    PocketSphinx(grammar=str(path)).load()


@pytest.mark.parametrize("option", ["grammar", "language_model", "dictionary"])
def test_a_missing_file_is_refused_at_once(option):
    with pytest.raises(UsageError, match=f"{option}=nowhere.gram: no such file"):
        PocketSphinx(**{option: "nowhere.gram"})


def test_a_grammar_and_a_language_model_together_are_refused(grammar):
    with pytest.raises(UsageError, match="not both"):
        PocketSphinx(grammar=grammar, language_model=grammar)


def test_a_language_model_of_no_known_format_is_refused(grammar):
    with pytest.raises(UsageError, match=r"cannot start with .*digits\.gram"):
        PocketSphinx(language_model=grammar).load()


def test_a_dictionary_of_ones_own_decides_which_words_can_be_heard(tmp_path):
    dictionary, path = tmp_path / "own.dict", tmp_path / "g.gram"
    dictionary.write_text("marmite M AA R M AY T\nmarmite(2) M AA R M IY T\n")
    path.write_text("#JSGF V1.0;\ngrammar g;\npublic <a> = marmite;\n")
    PocketSphinx(grammar=str(path), dictionary=str(dictionary)).load()
    path.write_text("#JSGF V1.0;\ngrammar g;\npublic <a> = marmite | jam;\n")
    with pytest.raises(UsageError, match=r"1 words are not in the dictionary .*own.dict: jam"):
        PocketSphinx(grammar=str(path), dictionary=str(dictionary)).load()


def test_the_identity_changes_with_whatever_changes_a_text(tmp_path, grammar):
    other = tmp_path / "digits.gram"
    other.write_text(GRAMMAR.replace("| nine", ""))
    dictionary = tmp_path / "own.dict"
    dictionary.write_text("".join(f"{word} T UW\n" for word in DIGITS))
    backends = [
        PocketSphinx(),
        PocketSphinx(grammar=grammar),
        PocketSphinx(grammar=str(other)),
        PocketSphinx(grammar=grammar, dictionary=str(dictionary)),
    ]
    assert len({tuple(backend.identity().items()) for backend in backends}) == len(backends)
    assert PocketSphinx(grammar=grammar).identity() == backends[1].identity()


def test_the_identity_holds_digests_and_no_paths(tmp_path, grammar):
    elsewhere = tmp_path / "the_same_under_another_name.gram"
    elsewhere.write_text(GRAMMAR)
    identity = PocketSphinx(grammar=grammar).identity()
    assert identity == PocketSphinx(grammar=str(elsewhere)).identity()
    assert identity["package"].startswith("pocketsphinx 5.")
    assert identity["language_model_sha256"] is None
    assert identity["grammar_sha256"] == hashlib.sha256(GRAMMAR.encode()).hexdigest()
    assert not any(os.sep in str(value) for value in identity.values())
