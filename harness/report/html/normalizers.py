"""A run in, which of its gaps depend on the normaliser out: a choice of who measures, not of the recogniser."""

from harness.report.html.measured import Measured, Row, records
from harness.report.html.parts import Section, Words, table
from harness.report.pages import verdict
from harness.report.wording import gap_interval, percent, points
from harness.results.run import NORMALIZERS

_HEADERS = ("dimension", "slice", "normaliser", "verdict", "WER", "gap", "interval", "words it edits")


def normalizers_section(measured: Measured) -> Section | None:
    """Return the gaps that another normaliser would have judged otherwise; None where that was not looked at."""
    profiles = measured.run.optional(NORMALIZERS)
    if profiles is None or profiles.empty or "normaliser_sensitive" not in measured.disparities:
        return None
    names = ", ".join(dict.fromkeys(str(name) for name in profiles["normalizer"]))
    sensitive = measured.disparities[measured.disparities["normaliser_sensitive"].astype(bool)]
    title, opening = "Under other normalisers", f"Scored under {names}."
    if sensitive.empty:
        return Section(
            "normalisers",
            title,
            "Normalisers",
            [Words(f"{opening} No verdict and no sign of a gap depends on which is used.")],
        )
    keys = set(zip(sensitive["dimension"], sensitive["slice"], strict=True))
    rows = [_cells(row) for row in records(profiles) if (row["dimension"], row["slice"]) in keys]
    explained = (
        f"{opening} The verdicts below, the signs of their gaps or, where too few were there for a test, whether they "
        "exceed the margin depend on which is used: a choice of the person who measures, not of the recogniser."
    )
    caption = "Each of these gaps under every normaliser."
    return Section(
        "normalisers",
        title,
        "Normalisers",
        [Words(explained), table("normalisers-table", _HEADERS, rows, caption=caption, file=NORMALIZERS)],
    )


def _cells(row: Row) -> tuple[object, ...]:
    return (
        row["dimension"],
        row["slice"],
        row["normalizer"],
        (verdict(str(row["verdict"])), row["verdict"]),
        (percent(row["wer"]), row["wer"]),
        (points(row["gap"]), row["gap"]),
        gap_interval(row["gap_low"], row["gap_high"]),
        (percent(row["edited_share"]), row["edited_share"]),
    )
