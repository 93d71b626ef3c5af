"""Every backend keeps the contract; the suite that says so finds each claim broken by a backend that breaks just that.

A mutant hears tones as `Tones` does, and does one thing wrong. Most break one claim and no other; where one cannot be
broken alone, all those broken are named.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.audio import read_waveform
from harness.backends import Failure, PocketSphinx, Tones, Transcript, Whisper, check_waveforms
from harness.backends.command import Command
from harness.backends.testing import CLAIMS, check_contract, contract_tests
from harness.backends.testing import main as tried_from_the_shell
from harness.backends.tones import synthesise
from harness.errors import BackendError, UsageError
from tests.backends.test_whisper import MULTILINGUAL, written_checkpoint
from tests.shared import DATA, REPOSITORY

FILES = tempfile.TemporaryDirectory()  # for backends that are made when their first claim is tried, until the end
EXAMPLE = str(REPOSITORY / "examples" / "command_backend" / "pocketsphinx_program.py")
SLOW = [pytest.mark.slow]
SHORT_S = 32.0  # instead of ten minutes, to try mutants with

pytestmark = [  # what whisper itself does: leave its vocabulary open, and call numpy on tensors in a beam search
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning"),
]


@cache
def written(name, text):
    path = Path(FILES.name) / name
    path.write_text(text)
    return str(path)


def grammar(*words):
    rule = f"public <word> = {' | '.join(words)};"  # one word: with a loop its time grows as the square of the audio
    return written(f"{'_'.join(words)}.gram", f"#JSGF V1.0;\ngrammar words;\n{rule}\n")


def language_model():
    """A bigram model without bigrams: any of ten words at any place, which is free speech for a small vocabulary."""
    words = [f"-1.0 {word} 0.0" for word in ("</s>", "<s>", *DIGITS)]
    counts = f"\\data\\\nngram 1={len(words)}\nngram 2=1\n"
    text = f"{counts}\n\\1-grams:\n" + "\n".join(words) + "\n\n\\2-grams:\n-0.5 <s> one\n\n\\end\\\n"
    return written("digits.arpa", text)


def dictionary():
    """The pronunciations of the ten words: with those of 130,000 others the search takes seconds to set up."""
    from pocketsphinx import get_model_path

    lines = (Path(get_model_path()) / "en-us" / "cmudict-en-us.dict").read_text().splitlines(keepends=True)
    return written("digits.dict", "".join(line for line in lines if line.split("(")[0].split(" ")[0] in DIGITS))


@cache
def checkpoint():
    return written_checkpoint(Path(FILES.name) / "small.pt", MULTILINGUAL)


def digits():
    """Returns eight clips of one to three spoken digits; None, which are tones, where there are no recordings."""
    paths = sorted((DATA / "fsdd" / "recordings").glob("*.wav"))[::25]
    if len(paths) < 24:
        return None
    return [np.concatenate([read_waveform(path) for path in paths[3 * n : 3 * n + 1 + n % 3]]) for n in range(8)]


DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

test_tones = contract_tests(Tones, longest_s=120.0)
test_pocketsphinx_with_a_grammar = contract_tests(
    lambda: PocketSphinx(grammar=grammar(*DIGITS)),
    variants=[lambda: PocketSphinx(grammar=grammar("one", "two"))],
    speech=digits(),
    marks_of_longest=SLOW,
)
test_pocketsphinx_without_a_grammar = contract_tests(
    lambda: PocketSphinx(language_model=language_model(), dictionary=dictionary()),
    variants=[PocketSphinx],
    speech=digits(),
    longest_s=35.0,
    marks_of_longest=SLOW,
)
test_command = contract_tests(
    lambda: Command(command=[sys.executable, EXAMPLE, grammar(*DIGITS)]),
    variants=[
        lambda: Command(command=[sys.executable, EXAMPLE, grammar("one", "two")]),
        lambda: Command(command=[sys.executable, EXAMPLE, grammar(*DIGITS)], version="2"),
    ],
    speech=digits(),
    longest_s=60.0,
)
test_whisper = contract_tests(
    lambda: Whisper(model=checkpoint()),
    variants=[lambda: Whisper(model=checkpoint(), language="de"), lambda: Whisper(model=checkpoint(), beam_size=2)],
    speech=[synthesise("zero nine one"), 0.01 * synthesise("three"), synthesise("seven two " * 10)],
    longest_s=120.0,
    marks_of_longest=SLOW,
)


@cache
def tones(samples):
    """Hears each clip once for all mutants."""
    return Tones().transcribe([np.frombuffer(samples, dtype=np.float32)])[0]


class Good:
    """Keeps every claim; `option` could decide texts. A mutant overrides what it does wrong."""

    def __init__(self, option=1):
        self.option = option
        self.calls = 0

    def transcribe(self, waveforms):
        waveforms = [self.taken(waveform) for waveform in waveforms]
        check_waveforms("Good", waveforms)
        self.calls += 1
        heard = [tones(waveform.tobytes()) for waveform in waveforms]
        return self.returned(heard, waveforms)

    def taken(self, waveform):
        return waveform

    def returned(self, heard, _waveforms):
        return heard

    def identity(self):
        return {"backend": "good", "option": self.option}

    def stage_seconds(self):
        return {"decoder": self.calls / 2}

    def close(self):
        pass


def mutant(**methods):
    """Returns a class that differs from `Good` in these methods."""
    return type("Mutant", (Good,), methods)


def returning(returned):
    """Returns a mutant that makes of what it heard, and of the waveforms, something else."""
    return mutant(returned=lambda _, heard, waveforms: returned(heard, waveforms))


def hearing(heard_as):
    """Returns a mutant that makes of each transcript with a text something else."""
    return returning(lambda heard, _: [heard_as(each) if each.text else each for each in heard])


def raising_on(is_odd):
    """Returns a mutant that cannot hear some waveforms."""

    def returned(heard, waveforms):
        if any(map(is_odd, waveforms)):
            raise RuntimeError("deaf")
        return heard

    return returning(returned)


def failing_on(is_odd):
    """Returns a mutant that answers some waveforms with a failure."""
    return returning(
        lambda heard, waveforms: [
            Failure("deaf") if is_odd(waveform) else each for each, waveform in zip(heard, waveforms, strict=True)
        ]
    )


def taking(taken):
    """Returns a mutant that mends what it should refuse."""
    return mutant(taken=lambda _, waveform: taken(waveform))


def words_as(**changes):
    """Returns a mutant whose words have other attributes."""
    return hearing(lambda heard: replace(heard, words=tuple(replace(word, **changes) for word in heard.words)))


def another_text(heard):
    return replace(heard, text=f"{heard.text}?", words=None)


class Numbered(Good):
    numbers = itertools.count()

    def __init__(self, option=1):
        super().__init__(option)
        self.number = next(self.numbers)


class NumberedIdentity(Numbered):
    def identity(self):
        return super().identity() | {"number": self.number}


class NumberedTexts(Numbered):
    def returned(self, heard, _waveforms):
        return [replace(each, text=f"{each.text} {self.number}", words=None) if each.text else each for each in heard]


class Learning(Good):
    """Hears one clip otherwise the second time that it is alone."""

    n_heard = 0

    def returned(self, heard, _waveforms):
        if [each.text for each in heard] != ["seven three"]:
            return heard
        self.n_heard += 1
        return heard if self.n_heard == 1 else [another_text(heard[0])]


class Offended(Good):
    """Hears nothing right in the call after one that it refused."""

    is_offended = False

    def transcribe(self, waveforms):
        try:
            heard = super().transcribe(waveforms)
        except BackendError:
            self.is_offended = True
            raise
        if not self.is_offended:
            return heard
        self.is_offended = False
        return [another_text(each) for each in heard]


class ClosedOnce(Good):
    is_closed = False

    def close(self):
        if self.is_closed:
            raise RuntimeError("closed twice")
        self.is_closed = True


def overwriting(heard, waveforms):
    for waveform in waveforms:
        waveform *= 0.5
    return heard


def raising_another_error(backend, waveforms):
    try:
        return Good.transcribe(backend, waveforms)
    except BackendError as error:
        raise ValueError("no waveform") from error


def same_length(seconds):
    return lambda waveform: len(waveform) == round(16_000 * seconds)


def between_long_ones(heard, waveforms):
    """Hears the shorter clips otherwise beside one of 31 s: what padding does."""
    if len(heard) < 2 or max(map(len, waveforms)) < 31 * 16_000:
        return heard
    return [
        another_text(each) if len(waveform) < 480_000 else each for each, waveform in zip(heard, waveforms, strict=True)
    ]


WORDS = {"words_are_the_text", "10_minutes"}
REFUSALS = {claim.name for claim in CLAIMS if claim.name.startswith("refuses_")}
IDENTITIES = {claim.name for claim in CLAIMS if claim.name.startswith("identity_")}
IN_BATCHES = {"alone_or_in_3", "alone_or_in_8", "either_order"}
MUTANTS = [
    pytest.param(mutant(identity=lambda _: ["good"]), IDENTITIES, id="identity-is-a-list"),
    pytest.param(
        mutant(identity=lambda it: {"options": [it.option]}), {"identity_is_plain"}, id="identity-holds-a-list"
    ),
    pytest.param(
        mutant(identity=lambda _: {}), {"identity_is_plain", "identity_tells_options_apart"}, id="identity-is-empty"
    ),
    pytest.param(
        mutant(identity=lambda it: {"option": it.option, "calls": it.calls}),
        {"identity_is_stable"},
        id="identity-counts",
    ),
    pytest.param(NumberedIdentity, {"identity_is_stable"}, id="identity-is-the-object-s"),
    pytest.param(
        mutant(identity=lambda it: {"option": it.option, "url": "https://hunter2hunter2@host/v1"}),
        {"identity_is_public"},
        id="identity-tells-a-secret",
    ),
    pytest.param(
        mutant(identity=lambda it: {"option": it.option, "argv": f"--model={__file__}"}),
        {"identity_is_public"},
        id="identity-has-a-path",
    ),
    pytest.param(mutant(identity=lambda _: {"a": 1}), {"identity_tells_options_apart"}, id="identity-without-options"),
    pytest.param(
        returning(lambda heard, _: heard[:-1] if len(heard) == 2 and heard[0].text else heard),
        {"one_transcript_each"},
        id="one-too-few",
    ),
    pytest.param(
        returning(lambda heard, _: heard * 2 if len(heard) == 2 and heard[0].text else heard),
        {"one_transcript_each"},
        id="two-too-many",
    ),
    pytest.param(
        returning(lambda heard, _: [each.text for each in heard] if len(heard) == 2 and heard[0].text else heard),
        {"one_transcript_each"},
        id="bare-texts",
    ),
    pytest.param(returning(lambda heard, _: heard or [Transcript("")]), {"nothing_for_nothing"}, id="one-for-nothing"),
    pytest.param(returning(lambda heard, _: heard or None), {"nothing_for_nothing"}, id="none-for-nothing"),
    pytest.param(
        returning(
            lambda heard, _: (
                list(map(another_text, heard)) if len(heard) == 3 and heard[1].text == "seven three" else heard
            )
        ),
        {"alone_or_in_3", "goes_on_after_an_error"},
        id="unfair-to-three",
    ),
    pytest.param(
        returning(
            lambda heard, _: list(map(another_text, heard)) if len(heard) == 8 and heard[0].text == "one" else heard
        ),
        {"alone_or_in_8"},
        id="unfair-to-eight",
    ),
    pytest.param(
        returning(
            lambda heard, _: list(map(another_text, heard)) if len(heard) == 8 and heard[0].text == "two" else heard
        ),
        {"either_order"},
        id="unfair-in-one-order",
    ),
    pytest.param(Learning, {"again"}, id="learning"),
    pytest.param(NumberedTexts, {"another_object"}, id="seeded-by-the-object"),
    pytest.param(
        returning(
            lambda heard, _: (
                heard if threading.current_thread() is threading.main_thread() else list(map(another_text, heard))
            )
        ),
        {"another_thread"},
        id="another-thread-another-text",
    ),
    pytest.param(
        returning(lambda heard, _: heard if threading.current_thread() is threading.main_thread() else 1 / 0),
        {"another_thread"},
        id="main-thread-only",
    ),
    pytest.param(
        returning(
            lambda heard, clips: [
                each if len(clip) else Transcript("um") for each, clip in zip(heard, clips, strict=True)
            ]
        ),
        {"empty_audio"},
        id="hears-something-in-nothing",
    ),
    pytest.param(raising_on(lambda clip: not len(clip)), {"empty_audio"}, id="raises-on-nothing"),
    pytest.param(failing_on(lambda clip: not len(clip)), {"empty_audio"}, id="fails-on-nothing"),
    pytest.param(raising_on(lambda clip: len(clip) == 1), {"one_sample"}, id="raises-on-one-sample"),
    pytest.param(failing_on(same_length(0.1)), {"a_tenth_of_a_second"}, id="fails-on-a-tenth-of-a-second"),
    pytest.param(raising_on(lambda clip: len(clip) > 0 and not clip.any()), {"silence"}, id="raises-on-silence"),
    pytest.param(failing_on(same_length(2.0)), {"noise"}, id="fails-on-noise"),
    pytest.param(
        returning(
            lambda heard, clips: [
                Transcript("hm") if len(heard) > 1 and same_length(2.0)(clip) else each
                for each, clip in zip(heard, clips, strict=True)
            ]
        ),
        {"noise"},
        id="hears-words-in-noise-between-others",
    ),
    pytest.param(raising_on(lambda clip: len(clip) and np.abs(clip).max() > 10), {"clipping"}, id="raises-on-clipping"),
    pytest.param(raising_on(same_length(31.0)), {"31_seconds"}, id="raises-after-30-seconds"),
    pytest.param(returning(between_long_ones), {"31_seconds"}, id="padding-changes-a-text"),
    pytest.param(raising_on(same_length(SHORT_S)), {"10_minutes"}, id="raises-on-the-longest"),
    pytest.param(
        taking(lambda clip: np.nan_to_num(clip, posinf=np.inf, neginf=-np.inf)), {"refuses_nan"}, id="mends-nan"
    ),
    pytest.param(
        taking(
            lambda clip: (
                np.where(np.isinf(clip), 0, clip).astype(np.asarray(clip).dtype)
                if isinstance(clip, np.ndarray)
                else clip
            )
        ),
        {"refuses_infinity"},
        id="mends-infinity",
    ),
    pytest.param(
        taking(lambda clip: clip.astype(np.float32) if getattr(clip, "dtype", None) == np.float64 else clip),
        {"refuses_float64"},
        id="takes-64-bits",
    ),
    pytest.param(
        taking(lambda clip: clip.astype(np.float32) / 32768 if getattr(clip, "dtype", None) == np.int16 else clip),
        {"refuses_int16"},
        id="takes-integers",
    ),
    pytest.param(
        taking(lambda clip: clip.mean(axis=0) if getattr(clip, "ndim", None) == 2 else clip),
        {"refuses_two_dimensions"},
        id="takes-two-channels",
    ),
    pytest.param(
        taking(lambda clip: np.array(clip, np.float32) if isinstance(clip, list) else clip),
        {"refuses_a_list"},
        id="takes-a-list",
    ),
    pytest.param(mutant(transcribe=raising_another_error), REFUSALS, id="refuses-with-another-error"),
    pytest.param(Offended, {"goes_on_after_an_error"}, id="offended"),
    pytest.param(returning(overwriting), {"waveforms_are_left_alone"}, id="overwrites"),
    pytest.param(hearing(lambda heard: replace(heard, text=f" {heard.text}")), {"text_is_clean"}, id="space-before"),
    pytest.param(
        hearing(lambda heard: replace(heard, text=heard.text + "\ud800", words=None)),
        {"text_is_clean"},
        id="half-a-character",
    ),
    pytest.param(hearing(lambda heard: replace(heard, latency_s=float("nan"))), {"text_is_clean"}, id="nan-latency"),
    pytest.param(hearing(lambda heard: replace(heard, cost_usd=-1.0)), {"text_is_clean"}, id="negative-cost"),
    pytest.param(words_as(text="um"), WORDS, id="words-are-not-the-text"),
    pytest.param(hearing(lambda heard: replace(heard, words=heard.words[1:])), WORDS, id="a-word-too-few"),
    pytest.param(hearing(lambda heard: replace(heard, words=())), WORDS, id="a-text-without-words"),
    pytest.param(words_as(end_s=0.0), WORDS, id="words-end-before-they-begin"),
    pytest.param(words_as(end_s=1e6), WORDS, id="words-end-after-the-clip"),
    pytest.param(words_as(start_s=-1.0), WORDS, id="words-begin-before-the-clip"),
    pytest.param(words_as(start_s=float("nan")), WORDS, id="words-begin-nowhere"),
    pytest.param(words_as(confidence=99.0), WORDS, id="confidence-in-percent"),
    pytest.param(words_as(confidence=float("nan")), WORDS, id="confidence-is-nan"),
    pytest.param(
        mutant(stage_seconds=lambda it: {"decoder": -it.calls}), {"stages_are_seconds"}, id="time-runs-backwards"
    ),
    pytest.param(mutant(stage_seconds=lambda _: {"decoder": float("nan")}), {"stages_are_seconds"}, id="nan-seconds"),
    pytest.param(ClosedOnce, {"closes_twice"}, id="closes-once"),
]


def broken(backend, **options):
    options = {"variants": [lambda: backend(option=2)], "longest_s": SHORT_S} | options
    return {finding.claim.name for finding in check_contract(backend, **options) if finding.verdict == "broken"}


def test_a_backend_that_keeps_its_contract_breaks_no_claim_and_each_one_is_shown():
    findings = check_contract(Good, variants=[lambda: Good(option=2), lambda: Good(option=3)], longest_s=SHORT_S)
    assert [(finding.claim.name, finding.verdict, finding.reason) for finding in findings] == [
        (claim.name, "kept", "") for claim in CLAIMS
    ]


@pytest.mark.parametrize(("backend", "claims"), MUTANTS)
def test_a_backend_that_breaks_a_claim_is_found_out(backend, claims, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "hunter2hunter2")
    assert broken(backend) == claims


def test_every_claim_is_broken_by_some_mutant():
    assert set().union(*(claims for _, claims in (param.values for param in MUTANTS))) == {
        claim.name for claim in CLAIMS
    }


def test_two_variants_with_one_identity_break_the_claim_though_both_differ_from_the_first():
    variants = [lambda: Good(option=2), lambda: Good(option=2)]
    assert broken(Good, variants=variants) == {"identity_tells_options_apart"}


FAILING = np.full(100, 0.25, dtype=np.float32)


def is_failing(waveform):
    return len(waveform) == len(FAILING)


@pytest.mark.parametrize(
    ("backend", "claims"),
    [
        pytest.param(raising_on(is_failing), set(), id="raises"),
        pytest.param(failing_on(is_failing), set(), id="a-failure"),
        pytest.param(Good, {"goes_on_after_an_error"}, id="an-empty-text"),
        pytest.param(
            returning(
                lambda heard, waveforms: (
                    [
                        Failure("no") if is_failing(clip) else another_text(each)
                        for each, clip in zip(heard, waveforms, strict=True)
                    ]
                    if any(map(is_failing, waveforms))
                    else heard
                )
            ),
            {"goes_on_after_an_error"},
            id="takes-its-neighbours-with-it",
        ),
    ],
)
def test_a_clip_that_is_known_to_fail_may_raise_or_be_a_failure_and_nothing_else(backend, claims):
    assert broken(backend, failing=FAILING) == claims


def test_a_recogniser_that_hears_nothing_shows_nothing_about_texts():
    deaf = returning(lambda heard, _: [Transcript("") for _ in heard])
    verdicts = {finding.claim.name: finding.verdict for finding in check_contract(deaf, longest_s=SHORT_S)}
    not_shown = {*IN_BATCHES, "another_object", "identity_tells_options_apart", "words_are_the_text"}
    assert {name for name, verdict in verdicts.items() if verdict == "not shown"} == not_shown
    assert "broken" not in verdicts.values()


def test_a_recogniser_that_only_has_the_two_methods_is_not_asked_for_more():
    class Plain:
        transcribe = Good.transcribe
        taken = Good.taken
        returned = Good.returned
        calls = 0

        def identity(self):
            return {"backend": "plain"}

    findings = check_contract(Plain, longest_s=SHORT_S)
    assert {finding.claim.name for finding in findings if finding.verdict == "not shown"} == {
        "identity_tells_options_apart",
        "stages_are_seconds",
        "closes_twice",
    }
    assert not [finding for finding in findings if finding.verdict == "broken"]


def test_the_author_s_own_speech_is_what_is_heard():
    speech = [synthesise("one"), synthesise("two two")]
    seen = set()

    def returned(heard, _):
        seen.update(each.text for each in heard)
        return heard

    assert broken(returning(returned), speech=speech) == set()
    assert {"one", "two two"} <= seen
    assert "nine" not in " ".join(seen)


@pytest.mark.parametrize(
    "options", [pytest.param({"speech": []}, id="no-speech"), pytest.param({"longest_s": 0.0}, id="no-length")]
)
def test_what_cannot_be_tried_is_refused_at_once(options):
    with pytest.raises(UsageError, match="contract: "):
        check_contract(Good, **options)
    with pytest.raises(UsageError, match="contract: "):
        contract_tests(Good, **options)


THIRD_PARTY = """
import numpy as np
from harness.backends.testing import contract_tests
from harness.backends import Tones, check_waveforms

class Mine:
    def __init__(self, words=10):
        self.words = words

    def transcribe(self, waveforms):
        check_waveforms("Mine", waveforms)
        return Tones().transcribe(waveforms)

    def identity(self):
        return {"backend": "mine"}

test_contract = contract_tests(lambda: Mine(), variants=[lambda: Mine(words=2)], longest_s=32.0)
"""


def test_a_third_party_s_test_file_has_a_test_for_each_claim_with_its_name(tmp_path):
    (tmp_path / "test_mine.py").write_text(THIRD_PARTY)
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "--strict-markers", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment())
    for claim in CLAIMS:
        assert f"test_contract[{claim.name}]" in ran.stdout or claim.says in ran.stdout, ran.stdout
    assert f"1 failed, {len(CLAIMS) - 3} passed, 2 skipped" in ran.stdout
    assert "another option, another identity: variants[0] has the same identity as the backend" in ran.stdout


def environment():
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def test_the_shell_gets_a_table_and_an_exit_status(tmp_path, capsys, monkeypatch):
    (tmp_path / "mine_for_the_shell.py").write_text(THIRD_PARTY.replace("test_contract = ", "# "))
    (tmp_path / "speech").mkdir()
    soundfile.write(tmp_path / "speech" / "one.wav", synthesise("one"), 16_000)
    soundfile.write(tmp_path / "speech" / "two.wav", synthesise("two"), 16_000)
    monkeypatch.syspath_prepend(tmp_path)
    given = ["mine_for_the_shell:Mine", "words=3", "--speech", str(tmp_path / "speech"), "--longest_s", "32"]
    assert tried_from_the_shell(given) == 0
    assert f"{len(CLAIMS)} claims, 0 broken" in capsys.readouterr().out
    assert tried_from_the_shell([*given, "--variant", "words=4"]) == 1
    out = capsys.readouterr().out
    assert f"{len(CLAIMS)} claims, 1 broken" in out
    assert len([line for line in out.splitlines() if line.startswith(("kept", "broken", "not shown"))]) == len(CLAIMS)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(["no_such_module:Mine"], "No module named", id="no-module"),
        pytest.param(["harness.backends.tones:Mine"], "no attribute 'Mine'", id="no-class"),
        pytest.param(["harness.backends.tones"], "expected module:name", id="no-name"),
        pytest.param(["harness.backends.tones:Tones", "four"], "'four'; expected option=value", id="no-value"),
        pytest.param(["harness.backends.tones:Tones", "--speech", "nowhere"], "nowhere: no recordings", id="no-speech"),
    ],
)
def test_a_wrong_command_line_ends_in_words(given, told, capsys):
    with pytest.raises(SystemExit) as ended:
        tried_from_the_shell(given)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
