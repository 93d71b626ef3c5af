"""A run of two accents and genders, reports of runs, and what a reader finds in them, for the tests of the report."""

import re

from harness.pipelines.job import SliceOptions
from harness.report.html import ReportOptions, render_html
from tests.report.builders import finished_run, promising
from tests.report.test_pages import Read

NAMES = [f"s{accent}{number}" for accent in (0, 1) for number in range(5)]  # of the speakers of two accents


def crossed_run(folder):
    """Return a run with intersections, a failure, speakers as slices, and one who told no gender."""
    genders = {name: "woman" if int(name[-1]) % 2 else "man" for name in NAMES} | {"s00": ""}
    return finished_run(
        folder,
        deaf_to=["south"],
        failed=["00-0"],
        attributes={name: {"kind": "demographic", "provenance": "self_reported"} for name in ("accent", "gender")},
        by_speaker={"gender": genders},
        slices=SliceOptions(by=["accent", "gender", "speaker_id"], intersections=2),
        policy=promising(min_words=1, min_speakers=2, min_utterances=2),
    )


def rendered(run, **options):
    return render_html(run, ReportOptions(**options))


def rewritten(run, **columns):
    """Return a run some of whose scores say something else, as somebody's files may."""
    run.write_table("scores.parquet", run.scores.assign(**columns))
    return run


def without_scripts(html):
    """Return a page without what it runs, so that a word found is a word of data."""
    return re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)


def section(html, name):
    """Return the text of a section of the page, its white space squeezed."""
    return squeezed(Read(part(html, name)).text)


def rows(html, name):
    """Return the cells of every table's row in a section."""
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in part(html, name).split("<tr>")]
    return [[squeezed(Read(cell).text) for cell in row] for row in cells if row]


def part(html, name):
    return html.partition(f'<section id="{name}"')[2].partition(">")[2].partition("</section>")[0]


def squeezed(text):
    return " ".join(text.split())
