"""A release in, what it protects and costs in words that need no statistics out; page, report and screen say the same.

ε is told by what somebody can become sure of: of two answers that were as likely as each other, one gets at most
e^ε : 1 (Wood et al. 2018).
"""

import math

import pandas as pd

from harness.fairness.membership import OVERALL
from harness.fairness.privacy import Statistic
from harness.report.described.cells import Row, rows_of
from harness.report.sources import Sources
from harness.report.wording import how_many, mapping, percent, plain, rate_interval
from harness.results.releases.record import Release

WEAK_EPSILON = 5.0  # from here on an even guess can become more than 99 % sure
PRIVATE_HEADERS = ("dimension", "slice", "WER", "interval", "expected error")  # and people
EXACT_HEADERS = ("dimension", "slice", "WER", "interval", "people", "utterances", "words")


def name_of(release: Release) -> str:
    """Return what the release calls the corpus."""
    return plain(mapping(release.facts["corpus"]).get("name")) or "a corpus without a name"


def title(release: Release) -> str:
    """Return whom the release is about, and which recogniser."""
    return f"How {plain(mapping(release.facts['system']).get('name'))} serves the people of {name_of(release)}"


def lede(release: Release) -> str:
    """Say in two sentences what the numbers are."""
    if not release.is_private:
        return (
            f"Word error rates of groups of at least {release.facts['min_speakers']} people, exact; smaller groups are "
            "hidden, and others with them where a subtraction would show them. This is no differential privacy."
        )
    return (
        f"Word error rates with noise, so that nobody can tell from them {_secret(release)}. The noise is as large as "
        "what one person can change; groups of many people are still told well."
    )


def promise(release: Release) -> list[str]:
    """Say what a private release promises, in plain words first; nothing for an exact one."""
    if not release.is_private:
        return []
    epsilon = _number(mapping(release.facts["recorded"])["epsilon"])
    spent = _number(mapping(mapping(release.facts["budget"])["spent"])["epsilon"])
    found = [
        f"ε = {epsilon:g}: somebody who makes an even guess {_secret(release)}, and knows everything else there is to "
        f"know, can become at most {sure(epsilon)} sure by this release.{_but(release)}"
    ]
    if spent > epsilon:
        found.append(f"By all releases of this corpus together (ε = {spent:g}), at most {sure(spent)} sure.")
    if spent > WEAK_EPSILON:
        found.append(
            f"This is a weak promise: ε of {WEAK_EPSILON:g} and more lets an even guess become all but certain."
        )
    return found


def how_counted(release: Release) -> list[str]:
    """Return what was done, sentence by sentence: who is protected, how, what was clipped."""
    if not release.is_private:
        return [
            f"Slices of fewer than {release.facts['min_speakers']} people are hidden, and so is one of which a single "
            "person is nearly all. Then the table is attacked with all it says together, and what gives a hidden slice "
            "away by subtraction is hidden, too.",
            "Rates have 3 digits. No row is of one person.",
            *(plain(note) for note in _texts(release.facts["notes"])),
        ]
    statement = mapping(release.facts["statement"])
    names = ("unit", "neighbouring", "mechanism", "statistic", "caps", "cost")
    return [plain(statement[name]) for name in names] + [plain(text) for text in _texts(statement["limits"])]


def sure(epsilon: float) -> str:
    """Return how sure an even guess can become.

    >>> sure(1), sure(4), sure(9)
    ('73 %', '98 %', '99.99 %')
    """
    share = 100 / (1 + math.exp(-epsilon))
    return f"{share:.0f} %" if share < 98.5 else f"{min(share, 99.99):.2f} %" if share >= 99.9 else f"{share:.1f} %"


def chance(delta: float) -> str:
    """Say a small probability as people do.

    >>> chance(1e-6), chance(0)
    ('one chance in 1,000,000', 'no chance')
    """
    return f"one chance in {1 / delta:,.0f}" if delta else "no chance"


def budget(release: Release) -> str:
    """Say what is left of the budget; nothing for an exact release, which has none."""
    if not release.is_private:
        return ""
    told = mapping(release.facts["budget"])
    total, spent, n = _number(told["epsilon"]), _number(mapping(told["spent"])["epsilon"]), told["n_releases"]
    return (
        f"The corpus has a budget of ε = {total:g} (δ: {chance(_number(told['delta']))}) for all releases of all its "
        f"runs; {n} release{'' if n == 1 else 's'} spent {spent:g} of it. It was chosen once and cannot be raised."
    )


def counts(release: Release) -> str:
    """Say how many slices are shown and how many are not."""
    if release.is_private:
        n, n_worth = len(release.table), int(_worth(release.table).sum())
        least = 100 * _number(mapping(release.facts["settings"])["largest_error"])
        if n_worth == n:
            return f"{'The only slice is' if n == 1 else f'All {n:,} slices are'} told well enough to be of use."
        return (
            f"{n_worth:,} of {how_many(n, 'slice')} {'is' if n_worth == 1 else 'are'} told well enough to be of use; "
            f"of the others noise would be more than {least:g} points, and no rate is shown."
        )
    hidden = sum(int(str(n)) for n in mapping(release.facts["n_hidden"]).values())
    n_shown = int((release.table["dimension"] != OVERALL).sum())
    return f"{how_many(n_shown, 'slice is', 'slices are')} shown and {hidden:,} hidden; why one is hidden is not said."


def not_protected(release: Release) -> list[str]:
    """Return what the release does not protect against."""
    return [plain(each) for each in _texts(release.facts["not_protected"])]


def sources_of(release: Release) -> Sources:
    """Return where the values of every attribute come from."""
    return Sources.of_manifest({"attributes": mapping(release.facts["attributes"])})


def headers(release: Release) -> tuple[str, ...]:
    """Return the headers of the table as it is read."""
    if not release.is_private:
        return EXACT_HEADERS
    return (*PRIVATE_HEADERS, f"people{noted(release)}")


def noted(release: Release) -> str:
    """Return what is said after `people` where they are counted: that their number has noise, where it has."""
    return ", with noise" if release.is_private and not _has_public_words(release) else ""


def rows(release: Release) -> list[tuple[tuple[str, float | str | None], ...]]:
    """Return the cells of the table as they are read, each with what it is sorted by."""
    sources = sources_of(release)
    read = _private_row if release.is_private else _exact_row
    return [
        (
            (sources.cell(str(row["dimension"])), str(row["dimension"])),
            (plain(row["slice"]), str(row["slice"])),
            *read(row),
        )
        for row in rows_of(release.table)
    ]


def drawn(release: Release) -> pd.DataFrame:
    """Return the rows whose rate is shown, as charts take them."""
    table = release.table
    shown = table[_worth(table) & table["wer"].notna()] if release.is_private else table[table["wer"].notna()]
    return shown.assign(
        n_utterances=shown["n_utterances"] if "n_utterances" in shown else float("nan"),
        n_speakers=pd.to_numeric(shown["n_speakers"], errors="coerce").astype(float),
    )


def _private_row(row: Row) -> tuple[tuple[str, float | str | None], ...]:
    wer, low, high, error, n = (
        _maybe(row[name]) for name in ("wer", "wer_low", "wer_high", "expected_error", "n_speakers")
    )
    return (
        (percent(wer), wer),
        (rate_interval(low, high), low),
        ("–" if error is None else f"± {100 * error:.1f}", error),
        ("–" if n is None else f"{n:,.0f}", n),
    )


def _exact_row(row: Row) -> tuple[tuple[str, float | str | None], ...]:
    wer, low, high = (_maybe(row[name]) for name in ("wer", "wer_low", "wer_high"))
    numbers = [_maybe(row[name]) for name in ("n_speakers", "n_utterances", "reference_words")]
    return (
        (percent(wer), wer),
        (rate_interval(low, high), low),
        *(("–" if n is None else f"{n:,.0f}", n) for n in numbers),
    )


def _secret(release: Release) -> str:
    """Say what nobody can tell: with public words, what a recogniser made of them; else that somebody took part."""
    if _has_public_words(release):
        return "how the recogniser heard one person"
    return "whether one person took part, or what they said"


def _has_public_words(release: Release) -> bool:
    """Say whether who took part, and what they read, is published anyway."""
    return bool(release.facts["statistic"] == Statistic.public_words.value)


def _but(release: Release) -> str:
    delta = _number(release.facts["delta"])
    return f" But for {chance(delta)}, in which nothing is promised." if delta else ""


def _worth(table: pd.DataFrame) -> "pd.Series[bool]":
    return table["worth"].astype(str).str.lower() == "true"


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _maybe(value: object) -> float | None:
    return None if value is None or pd.isna(value) else float(str(value))  # type: ignore[call-overload]


def _number(value: object) -> float:
    return float(str(value))
