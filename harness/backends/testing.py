"""A way to make a backend in, whether it keeps its contract out: as pytest's tests, as findings or as a table.

In a test file, one line gives a test for each claim:

    test_contract = contract_tests(lambda: MyBackend(model="small"), variants=[lambda: MyBackend(model="large")])

Without pytest, `check_contract(…)` returns a finding for each, and a shell gets them as a table from

    python -m harness.backends.testing my_package.backend:MyBackend model=small --variant model=large

`harness.backends.faults` has recognisers that go wrong, for tests of what runs backends.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from harness.audio.waveform import Waveform, read_waveform
from harness.backends.base import Backend
from harness.backends.contract import CLAIMS, LONGEST, BrokenError, Claim, NotShownError, Trial
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    import pytest

__all__ = ["CLAIMS", "BrokenError", "Claim", "Finding", "check_contract", "contract_tests"]

LONGEST_S = 600.0  # ten minutes


@dataclass(frozen=True, slots=True)
class Finding:
    """Is what became of a claim.

    Attributes:
        claim: The claim.
        verdict: `kept`, `broken` or `not shown`.
        reason: Why it is not kept; "" when it is.
        seconds: How long it took to find out.
    """

    claim: Claim
    verdict: str
    reason: str
    seconds: float


def contract_tests(
    make: Callable[[], Backend],
    *,
    speech: Sequence[Waveform] | None = None,
    variants: Sequence[Callable[[], Backend]] = (),
    failing: Waveform | None = None,
    longest_s: float = LONGEST_S,
    marks_of_longest: "Sequence[pytest.MarkDecorator]" = (),
) -> Callable[[Claim], None]:
    """Returns a test function that pytest runs once for each claim, named by it.

    What cannot be shown is skipped with its reason. The claims share one backend, made when the first of them runs; a
    few make a second one beside it.

    Args:
        make: Returns a new backend, always with the same options.
        speech: Clips `(num_samples,)` float32 at 16 kHz that the backend hears different texts in; None: tones.
        variants: Return backends with an option set otherwise that decides texts: each must have its own identity.
        failing: A clip that the backend cannot recognise; None: one with samples that are no numbers.
        longest_s: Seconds of the longest clip; for slow recognisers less than the ten minutes that are legal.
        marks_of_longest: Pytest's marks for the test with that clip, such as `[pytest.mark.slow]`.

    Raises:
        UsageError: when speech is empty or the longest clip is not of a finite length.
    """
    import pytest

    trial = Trial(make, speech=speech, variants=variants, failing=failing, longest_s=longest_s)
    marks = {LONGEST: tuple(marks_of_longest)}
    claims = [pytest.param(claim, id=claim.name, marks=marks.get(claim.name, ())) for claim in CLAIMS]

    @pytest.mark.parametrize("claim", claims)
    def test(claim: Claim) -> None:
        """Tries a claim of the backends' contract."""
        try:
            claim.check(trial)
        except NotShownError as unknown:
            pytest.skip(f"{claim.says}: {unknown}")
        except BrokenError as broken:
            raise BrokenError(f"{claim.says}: {broken}") from broken.__cause__

    return test


def check_contract(
    make: Callable[[], Backend],
    *,
    speech: Sequence[Waveform] | None = None,
    variants: Sequence[Callable[[], Backend]] = (),
    failing: Waveform | None = None,
    longest_s: float = LONGEST_S,
) -> list[Finding]:
    """Returns what became of each claim; a backend that keeps its contract has no finding that is `broken`.

    The arguments are those of `contract_tests`.

    Raises:
        UsageError: as `contract_tests` does.
    """
    trial = Trial(make, speech=speech, variants=variants, failing=failing, longest_s=longest_s)
    try:
        return [_found(claim, trial) for claim in CLAIMS]
    finally:
        trial.release()


def _found(claim: Claim, trial: Trial) -> Finding:
    started = time.perf_counter()
    verdict, reason = "kept", ""
    try:
        claim.check(trial)
    except NotShownError as unknown:
        verdict, reason = "not shown", str(unknown)
    except BrokenError as broken:
        verdict, reason = "broken", str(broken)
    except Exception as error:  # a backend's own: nobody asked it to raise here
        verdict, reason = "broken", f"{type(error).__name__}: {error}"
    return Finding(claim, verdict, reason, time.perf_counter() - started)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table of the findings for a backend that is named; returns 0 when none is broken, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.backends.testing", description="Tries a backend's contract."
    )
    parser.add_argument("backend", help="module:name of its class, or of a function that returns it")
    parser.add_argument("options", nargs="*", metavar="option=value", help="its arguments, the values as in YAML")
    parser.add_argument(
        "--variant", nargs="+", action="append", default=[], metavar="option=value", help="another identity"
    )
    parser.add_argument("--speech", type=Path, help="a folder of recordings that it hears different texts in")
    parser.add_argument("--longest_s", type=float, default=LONGEST_S, help="seconds of the longest clip (%(default)s)")
    given = parser.parse_args(arguments)
    try:
        made, options = _named(given.backend), _options(given.options)
        findings = check_contract(
            partial(made, **options),
            variants=[partial(made, **options | _options(variant)) for variant in given.variant],
            speech=None if given.speech is None else _recordings(given.speech),
            longest_s=given.longest_s,
        )
    except HarnessError as error:
        parser.exit(error.exit_status, f"{error}\n")
    sys.stdout.write("".join(map(_row, findings)))
    n_broken = sum(finding.verdict == "broken" for finding in findings)
    sys.stdout.write(f"{len(findings)} claims, {n_broken} broken\n")
    return 1 if n_broken else 0


def _named(name: str) -> Callable[..., Backend]:
    module, _, attribute = name.partition(":")
    try:
        made: Callable[..., Backend] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"{name}: {error}; expected module:name of a backend's class") from error
    return made


def _options(given: Sequence[str]) -> dict[str, object]:
    if wrong := [each for each in given if not each.partition("=")[0].isidentifier() or "=" not in each]:
        raise UsageError(f"{wrong[0]!r}; expected option=value")
    return {name: yaml.safe_load(value) for name, _, value in (each.partition("=") for each in given)}


def _recordings(folder: Path) -> list[Waveform]:
    paths = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if not paths:
        raise UsageError(f"{folder}: no recordings; expected a folder of some")
    return [read_waveform(path) for path in paths]


def _row(finding: Finding) -> str:
    row = f"{finding.verdict:<9}  {finding.seconds:7.2f} s  {finding.claim.name:<28}  {finding.claim.says}\n"
    return row + "".join(f"{'':24}{line}\n" for line in finding.reason[:1_000].splitlines())


if __name__ == "__main__":
    sys.exit(main())
