"""The claims that every backend keeps, for `harness.backends.testing`.

What the clips hold is what a backend's author gives, or generated tones. Where a recogniser hears the same in all of
them, claims on texts are tried all the same and then called not shown.
"""

from harness.backends.contract.claims import CLAIMS, LONGEST
from harness.backends.contract.trial import BrokenError, Claim, NotShownError, Trial

__all__ = ["CLAIMS", "LONGEST", "BrokenError", "Claim", "NotShownError", "Trial"]
