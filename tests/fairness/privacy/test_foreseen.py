"""What noise will do is foreseen where words are public: as it then is, and from words alone."""

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.fairness.privacy import (
    Caps,
    PrivacyOptions,
    ReleaseMethod,
    fitting_caps,
    foreseen_errors,
    private_table,
)
from tests.fairness.builders import scores_of

DIMENSIONS = {"accent": ("us", "nobody"), "overall": ()}
CAPS = Caps(words=60, errors=20)


def people(errors: int, *, n_speakers: int = 300):
    words = [10 + 50 * (speaker % 2) for speaker in range(n_speakers)]
    accents = ["us" if speaker % 3 else "welsh" for speaker in range(n_speakers)]
    return scores_of([errors] * n_speakers, words, [f"s{speaker}" for speaker in range(n_speakers)], accent=accents)


def options(method: ReleaseMethod = ReleaseMethod.laplace, **more: object) -> PrivacyOptions:
    return PrivacyOptions(**{"method": method, "words_are_public": True, "caps": CAPS, "epsilon": 4.0} | more)


@pytest.mark.parametrize("method", [ReleaseMethod.laplace, ReleaseMethod.gaussian])
@pytest.mark.parametrize("cells", [{}, {"accent": 2}], ids=["one-cell", "two-cells"])
def test_what_is_foreseen_is_what_the_release_states(method, cells):
    chosen = options(method, cells=cells)
    foreseen = foreseen_errors(people(3), dimensions=DIMENSIONS, options=chosen)
    frame = private_table(people(3), dimensions=DIMENSIONS, options=chosen).frame
    assert foreseen[["dimension", "slice", "worth"]].equals(frame[["dimension", "slice", "worth"]])
    assert np.minimum(foreseen["expected_error"], 1).to_numpy() == pytest.approx(frame["expected_error"].to_numpy())


def test_what_is_foreseen_does_not_depend_on_what_was_misheard():
    first, second = (foreseen_errors(people(n), dimensions=DIMENSIONS, options=options()) for n in (0, 9))
    assert first.equals(second)
    assert fitting_caps(people(0), CAPS) == fitting_caps(people(9), CAPS)


def test_what_is_not_public_is_not_foreseen():
    with pytest.raises(UsageError, match="only foreseen where its reference words are public"):
        foreseen_errors(people(1), dimensions=DIMENSIONS, options=PrivacyOptions())
    with pytest.raises(DataError, match="no speaker id"):
        foreseen_errors(people(1).assign(speaker_id=None), dimensions=DIMENSIONS, options=options())


def test_caps_that_fit_hold_the_words_of_nine_in_ten():
    scores = scores_of([1] * 20, list(range(1, 21)), [f"s{n}" for n in range(20)])
    assert fitting_caps(scores, Caps(rate=0.5)) == Caps(words=19, errors=10, rate=0.5)
    assert fitting_caps(scores.head(0), CAPS) == Caps(words=60, errors=30)
