"""The claims of the backends' contract: what each says, and how a backend on trial is found to break it."""

import json
import math
import os
import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from harness.audio.waveform import SAMPLE_RATE, Waveform
from harness.backends.base import Closing, Failure, Identity, Staged, Transcript, check_transcripts, checked_identity
from harness.backends.contract.trial import BrokenError, Claim, NotShownError, Trial
from harness.errors import BackendError

LONGEST = "10_minutes"  # the claim that takes long

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)  # in the name of an environment variable
_SHORTEST_SECRET = 8  # characters; what is shorter may stand in an identity by chance
_END_TOLERANCE_S = 0.1  # a recogniser's frames may reach beyond the clip
_WAIT_S = 600.0  # for an answer in another thread


def _identity_is_plain(trial: Trial) -> None:
    try:
        identity = checked_identity(trial.backend)
        json.dumps(identity, allow_nan=False)
    except Exception as error:
        raise BrokenError(f"{type(error).__name__}: {error}") from error
    if not identity:
        raise BrokenError("it is empty; expected the package, the weights' digest and the decoding options")


def _identity_is_stable(trial: Trial) -> None:
    first = dict(trial.backend.identity())
    trial.heard(trial.several(1))
    _expect_same(first, trial.backend.identity(), "after a clip it")
    with trial.another() as another:
        _expect_same(first, another.identity(), "that of another object")


def _expect_same(first: Identity, later: Identity, whose: str) -> None:
    changed = sorted(key for key in {*first, *later} if first.get(key) != later.get(key))
    if changed:
        key = changed[0]
        raise BrokenError(f"{whose} is not the same: {key!r} was {first.get(key)!r} and is {later.get(key)!r}")


def _identity_is_public(trial: Trial) -> None:
    secrets = {name: value for name, value in os.environ.items() if _SECRET.search(name)}
    for key, value in trial.backend.identity().items():
        text = str(value)
        named = [name for name, secret in secrets.items() if len(secret) >= _SHORTEST_SECRET and secret in text]
        if named:
            raise BrokenError(f"{key!r} holds the value of the environment variable {named[0]}")
        places = [word for word in re.split(r"[\s=,;:'\"()]+", text) if word.startswith("/") and Path(word).exists()]
        if places:
            raise BrokenError(
                f"{key!r} holds {places[0]!r}, a path of this machine; expected the digest of what it holds"
            )


def _identity_tells_options_apart(trial: Trial) -> None:
    if not trial.variants:
        raise NotShownError("no variants were given: variants=[lambda: MyBackend(beam_size=5), …]")
    seen = {json.dumps(trial.backend.identity(), sort_keys=True): "the backend"}
    for position, make in enumerate(trial.variants):
        with trial.another(make) as variant:
            identity = json.dumps(variant.identity(), sort_keys=True)
        if identity in seen:
            raise BrokenError(f"variants[{position}] has the same identity as {seen[identity]}: {identity}")
        seen[identity] = f"variants[{position}]"


def _one_transcript_each(trial: Trial) -> None:
    for n_clips in (1, 2, 3):
        trial.heard(trial.several(n_clips))


def _in_a_batch(trial: Trial, *, n_clips: int) -> None:
    trial.expect_alone(trial.texts(trial.several(n_clips)), f"in a batch of {n_clips}")


def _in_reversed_order(trial: Trial) -> None:
    trial.expect_alone(trial.texts(trial.speech[::-1])[::-1], "in a batch in reversed order")


def _again(trial: Trial) -> None:
    expected = trial.alone
    again = [trial.texts([waveform])[0] for waveform in trial.speech]
    if again != expected:
        position = next(place for place, text in enumerate(again) if text != expected[place])
        raise BrokenError(f"clip {position} is {again[position]!r} the second time, and was {expected[position]!r}")


def _by_another_object(trial: Trial) -> None:
    with trial.another() as another:
        texts = [trial.texts([waveform], another)[0] for waveform in trial.speech]
    trial.expect_alone(texts, "from another object")


def _in_another_thread(trial: Trial) -> None:
    expected, texts, errors = trial.alone[0], list[str](), list[BaseException]()

    def listen() -> None:
        try:
            texts.extend(trial.texts(trial.several(1)))
        except BaseException as error:  # to be raised where the claim is tried
            errors.append(error)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    thread.join(_WAIT_S)
    if errors or not texts:
        raise BrokenError(f"in another thread: {errors[0] if errors else 'no answer'}")
    if texts != [expected]:
        raise BrokenError(f"in another thread clip 0 is {texts[0]!r}; it was {expected!r}")


def _nothing_for_nothing(trial: Trial) -> None:
    returned = trial.backend.transcribe([])
    if not isinstance(returned, list | tuple) or len(returned):
        raise BrokenError(f"no waveforms give {returned!r}; expected an empty list")


def _empty_audio(trial: Trial) -> None:
    empty = np.zeros(0, dtype=np.float32)
    for waveforms in ([empty], [empty, empty], [trial.speech[0], empty, trial.speech[-1]]):
        texts = trial.texts(waveforms)
        heard = [text for text, waveform in zip(texts, waveforms, strict=True) if not len(waveform)]
        if any(heard):
            raise BrokenError(f"no samples give {heard}; expected ''")


def _legal(trial: Trial, *, clip: Callable[[Trial], Waveform]) -> None:
    """Has a clip heard alone and between others, which hear no difference."""
    waveform = clip(trial)
    (alone,) = trial.texts([waveform])
    first, between, last = trial.texts([trial.speech[0], waveform, trial.speech[-1]])
    if between != alone:
        raise BrokenError(f"its text is {between[:200]!r} between others; alone it is {alone[:200]!r}")
    if [first, last] != [trial.alone[0], trial.alone[-1]]:
        raise BrokenError(f"beside it others are {[first, last]}; alone they are {[trial.alone[0], trial.alone[-1]]}")


def _longest(trial: Trial) -> None:
    """Has the longest clip heard once: it takes its time."""
    (heard,) = trial.heard([trial.lasting(trial.longest_s)])
    _check_words(heard, trial.longest_s)


def _refused(trial: Trial, *, spoilt: Callable[[Waveform], object]) -> None:
    """Hands over what is no waveform; a recogniser that takes it has not looked, and hears anything."""
    speech = trial.speech[0]
    for waveforms in ([spoilt(speech.copy())], [speech.copy(), spoilt(speech.copy())]):
        try:
            returned = trial.backend.transcribe(waveforms)  # type: ignore[arg-type]  # which is what is tried
        except BackendError:
            continue
        except Exception as error:
            raise BrokenError(
                f"it raises {type(error).__name__}: {error}; expected harness.errors.BackendError"
            ) from error
        raise BrokenError(f"it returns {str(returned)[:200]}; expected harness.errors.BackendError")


def _goes_on_after_an_error(trial: Trial) -> None:
    speech = trial.several(3)
    expected = [trial.alone[position % len(trial.alone)] for position in range(3)]
    spoilt = np.full_like(speech[1], np.nan) if trial.failing is None else trial.failing
    try:
        returned = trial.backend.transcribe([speech[0].copy(), spoilt.copy(), speech[2].copy()])
    except Exception:
        returned = None  # the caller tries them one by one
    if returned is not None and trial.failing is not None:
        first, failed, last = check_transcripts(trial.backend, returned, n_waveforms=3)
        if not isinstance(failed, Failure):
            raise BrokenError(f"the failing clip gives {failed}; expected a Failure or an exception, never a text")
        neighbours = [each.text if isinstance(each, Transcript) else each for each in (first, last)]
        if neighbours != [expected[0], expected[2]]:
            raise BrokenError(f"beside the failing clip others are {neighbours}; alone {[expected[0], expected[2]]}")
    if (texts := trial.texts(speech)) != expected:
        raise BrokenError(f"after a clip that failed texts are {texts}; before they were {expected}")


def _waveforms_are_left_alone(trial: Trial) -> None:
    waveforms = [np.concatenate([waveform, waveform]) for waveform in trial.several(3)]
    before = [waveform.tobytes() for waveform in waveforms]
    trial.backend.transcribe(waveforms)
    if changed := [place for place, each in enumerate(waveforms) if each.tobytes() != before[place]]:
        raise BrokenError(f"waveform {changed[0]} has other samples after it was heard")


def _text_is_clean(trial: Trial) -> None:
    for transcript in trial.heard(trial.speech):
        if transcript.text != transcript.text.strip():
            raise BrokenError(f"{transcript.text!r} has whitespace around it")
        if transcript.text != transcript.text.encode("utf-8", "replace").decode("utf-8"):
            raise BrokenError(f"{transcript.text!r} cannot be written as UTF-8")
        for name, value in (("latency_s", transcript.latency_s), ("cost_usd", transcript.cost_usd)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise BrokenError(f"{name}={value}; expected None or a finite number >= 0")


def _words_are_the_text(trial: Trial) -> None:
    transcripts = trial.heard(trial.speech)
    for transcript, waveform in zip(transcripts, trial.speech, strict=True):
        _check_words(transcript, len(waveform) / SAMPLE_RATE)
    if not any(transcript.words for transcript in transcripts):
        raise NotShownError("it gives no words with times, or none in this speech")


def _check_words(transcript: Transcript, duration_s: float) -> None:
    words = transcript.words
    if words is None:
        return
    if "".join("".join(word.text for word in words).split()) != "".join(transcript.text.split()):
        raise BrokenError(f"the words are {[word.text for word in words][:50]}; the text is {transcript.text[:500]!r}")
    latest_s = 0.0
    for word in words:
        if not latest_s <= word.start_s <= word.end_s <= duration_s + _END_TOLERANCE_S:
            raise BrokenError(
                f"{word} in a clip of {duration_s:.2f} s, after a word that begins at {latest_s} s; expected words in "
                "order, that end after they begin and before the clip does"
            )
        if word.confidence is not None and not 0 <= word.confidence <= 1:
            raise BrokenError(f"{word}; expected a confidence in [0, 1], or None")
        latest_s = word.start_s


def _stages_are_seconds(trial: Trial) -> None:
    if not isinstance(trial.backend, Staged):
        raise NotShownError("it has no stage_seconds()")
    before = dict(trial.backend.stage_seconds())
    trial.heard(trial.several(1))
    for name, seconds in trial.backend.stage_seconds().items():
        if not (math.isfinite(seconds) and seconds >= before.get(name, 0.0) >= 0):
            raise BrokenError(f"{name!r} was {before.get(name)} s and is {seconds} s; expected what grows from 0 on")


def _closes_twice(trial: Trial) -> None:
    try:
        backend = trial.backend
        if not isinstance(backend, Closing):
            raise NotShownError("it has no close()")
        trial.heard(trial.several(1))
        backend.close()
        backend.close()
    finally:
        trial.release()


def _noise(_: Trial) -> Waveform:
    return np.random.default_rng(1).uniform(-0.3, 0.3, 2 * SAMPLE_RATE).astype(np.float32)


def _with(waveform: Waveform, sample: float) -> Waveform:
    waveform[len(waveform) // 2] = sample
    return waveform


def _legal_claim(name: str, what: str, clip: Callable[[Trial], Waveform]) -> Claim:
    return Claim(name, f"{what} is heard, the same alone and between others", partial(_legal, clip=clip))


def _refused_claim(name: str, what: str, spoilt: Callable[[Waveform], object]) -> Claim:
    return Claim(f"refuses_{name}", f"{what} refused with BackendError", partial(_refused, spoilt=spoilt))


CLAIMS = (
    Claim(
        "identity_is_plain", "the identity is a dict of texts, finite numbers, booleans and None", _identity_is_plain
    ),
    Claim("identity_is_stable", "the identity is the same later, and from another object", _identity_is_stable),
    Claim("identity_is_public", "the identity holds no secret and no path", _identity_is_public),
    Claim("identity_tells_options_apart", "another option, another identity", _identity_tells_options_apart),
    Claim("one_transcript_each", "one transcript comes back for each waveform", _one_transcript_each),
    Claim("nothing_for_nothing", "no waveforms give an empty list", _nothing_for_nothing),
    Claim("alone_or_in_3", "a text is the same alone and in a batch of 3", partial(_in_a_batch, n_clips=3)),
    Claim("alone_or_in_8", "a text is the same alone and in a batch of 8", partial(_in_a_batch, n_clips=8)),
    Claim("either_order", "a text is the same in a batch in reversed order", _in_reversed_order),
    Claim("again", "a text is the same the second time", _again),
    Claim("another_object", "a text is the same from another object", _by_another_object),
    Claim("another_thread", "a text is the same in another thread", _in_another_thread),
    Claim("empty_audio", "no samples give '', alone and between others", _empty_audio),
    _legal_claim("one_sample", "a clip of one sample", lambda _: np.full(1, 0.5, dtype=np.float32)),
    _legal_claim("a_tenth_of_a_second", "a clip of 0.1 s", lambda trial: trial.lasting(0.1)),
    _legal_claim("silence", "silence", lambda _: np.zeros(SAMPLE_RATE, dtype=np.float32)),
    _legal_claim("noise", "noise", _noise),
    _legal_claim("clipping", "speech far beyond full scale", lambda trial: 50 * trial.speech[0]),
    _legal_claim("31_seconds", "a clip of 31 s", lambda trial: trial.lasting(31.0)),
    Claim(LONGEST, "a clip of 10 minutes, or as long as was asked for, is heard", _longest),
    _refused_claim("nan", "a sample that is no number is", lambda waveform: _with(waveform, np.nan)),
    _refused_claim("infinity", "an infinite sample is", lambda waveform: _with(waveform, -np.inf)),
    _refused_claim("float64", "64-bit samples are", lambda waveform: waveform.astype(np.float64)),
    _refused_claim("int16", "integers are", lambda waveform: (waveform * 32767).astype(np.int16)),
    _refused_claim("two_dimensions", "two channels are", lambda waveform: np.stack([waveform, waveform])),
    _refused_claim("a_list", "a list is", lambda waveform: waveform.tolist()),
    Claim("goes_on_after_an_error", "a clip that fails takes no other with it", _goes_on_after_an_error),
    Claim("waveforms_are_left_alone", "the waveforms are not changed", _waveforms_are_left_alone),
    Claim("text_is_clean", "a text can be written, without whitespace around it", _text_is_clean),
    Claim("words_are_the_text", "words are the text, in order and inside the clip", _words_are_the_text),
    Claim("stages_are_seconds", "stage_seconds() are seconds, and grow", _stages_are_seconds),
    Claim("closes_twice", "close() ends it, and a second call does nothing", _closes_twice),
)
