"""A run's claim as one archive that somebody else can check: written, read as a stranger's, and compared."""

from harness.results.bundles.archive import BundleError
from harness.results.bundles.codes import Ids
from harness.results.bundles.comparing import Compared, Difference, compare_tables
from harness.results.bundles.reading import Bundle, opened_bundle
from harness.results.bundles.writing import Bundled, Claim, References, config_of, write_bundle

__all__ = [
    "Bundle",
    "BundleError",
    "Bundled",
    "Claim",
    "Compared",
    "Difference",
    "Ids",
    "References",
    "compare_tables",
    "config_of",
    "opened_bundle",
    "write_bundle",
]
