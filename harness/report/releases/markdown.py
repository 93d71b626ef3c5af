"""A release in, `release.md` out: the same words and numbers as its page."""

from harness.report.releases import words
from harness.report.releases.page import made_pairs
from harness.report.tables import escape, table
from harness.report.wording import how_many
from harness.results.releases.record import CSV, Release

MOST_ROWS = 200


def render_markdown(release: Release) -> str:
    """Return the report as Markdown; every text from data is escaped."""
    rows = [[cell[0] for cell in row] for row in words.rows(release)]
    more = len(rows) - MOST_ROWS
    heading = "What it protects, and what that cost" if release.is_private else "What is hidden"
    parts = [
        f"# {escape(words.title(release))}",
        f"**{escape(words.lede(release))}**",
        escape(words.counts(release)),
        "## Who is served how well\n\n" + table(words.headers(release), rows[:MOST_ROWS]),
        f"{how_many(more, 'more row is', 'more rows are')} in {CSV}." if more > 0 else "",
        f"*{escape(words.sources_of(release).sentence)}*" if words.sources_of(release).sentence else "",
        f"## {heading}",
        *map(escape, words.promise(release)),
        _listed(words.how_counted(release)),
        escape(words.budget(release)),
        "## What it does not protect\n\n" + _listed(words.not_protected(release)),
        "## How this was made\n\n" + "\n".join(f"- {name}: {escape(told)}" for name, told in made_pairs(release)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _listed(texts: list[str]) -> str:
    return "\n".join(f"- {escape(text)}" for text in texts)
