"""Written pages in, their elements out, told by a parser that is not the harness's."""

import re
from html.parser import HTMLParser


def without_programs(page: str) -> str:
    """Return a page without the programs that draw its charts, which take long to read."""
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def elements(page: str) -> list[tuple[str, dict[str, str]]]:
    """Return every element of a page: its tag and its attributes."""
    found: list[tuple[str, dict[str, str]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, {name: value or "" for name, value in attrs}))

    reader = Reader()
    reader.feed(page)
    return found
