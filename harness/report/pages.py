"""A template, charts and data in, one self-contained HTML page out: the one frame of everything made for a browser.

Every text is escaped by Jinja unless it is `Markup`; data for scripts goes through `embedded`. A page loads nothing
and runs nothing but the scripts whose hashes its Content-Security-Policy names.
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.charts.bundle import bundle
from harness.report.wording import gap_interval, percent, plain, points, rate_interval, times

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")
_SHORT, _LONG, _LONGEST = 40, 90, 300  # characters of a text in a cell: stays on a line, needs room, is cut
_NONE: Mapping[str, Any] = {}
_UNSEEN = re.compile(
    "[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]"
)  # they turn text round, or end lines
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_IN_SCRIPT = re.compile("[<>&]")


@dataclass(frozen=True, slots=True)
class Cell:
    """Is a cell of a table: what is read, and what it is sorted by; None: it is sorted to the end."""

    text: "str | Markup"
    sort_value: str | float | None
    is_number: bool

    @property
    def style(self) -> str:
        """Return the class of style.css: `n` a number, `s` a text that stays on a line, `l` one that needs room."""
        if self.is_number:
            return "n"
        if hasattr(self.text, "__html__") or len(self.text) <= _SHORT:
            return "s"
        return "l" if len(self.text) > _LONG else ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Is a table to be shown: each header, whether its column holds numbers, and rows of cells."""

    headers: list[tuple[str, bool]]
    rows: list[list[Cell]]


def page(
    template: str,
    *,
    title: str,
    description: str = "",
    charts: Mapping[str, Mapping[str, Any]] = _NONE,
    data: Mapping[str, Any] = _NONE,
    scripts: Sequence[str] = (),
    **context: object,
) -> str:
    """Render `templates/TEMPLATE.html.j2`, which extends `base.html.j2`, into one file's text.

    Args:
        template: Its name, without `.html.j2`.
        title: Of the page.
        description: In a sentence, for those who find the file.
        charts: Vega-Lite specifications by name; `{{ chart(NAME, caption=…, table=ID) }}` is where one goes. A string
            `var(--NAME)` in one is that colour of style.css, in light and in dark.
        data: What scripts read, by name: `<script type="application/json" id="data-NAME">`.
        scripts: Files of `templates/` that run after page.js.
        context: What the template says.
    """
    from markupsafe import Markup

    sources = [*([bundle()] if charts else []), *(_source(name) for name in ("page.js", *scripts))]
    return (
        _environment(TEMPLATES)
        .get_template(f"{template}.html.j2")
        .render(
            title=title,
            description=description,
            policy=_policy(sources),
            style=Markup(_source("style.css")),
            sources=[Markup(source) for source in sources],
            blocks={
                **{f"chart-{name}": embedded(spec) for name, spec in charts.items()},
                **{f"data-{name}": embedded(value) for name, value in data.items()},
            },
            chart=partial(_figure, charts),
            **context,
        )
    )


def embedded(value: object) -> "Markup":
    r"""Return a value as JSON that is safe inside a script element, NaN as null.

    >>> print(embedded({"text": "</script>"}))
    {"text":"\u003c/script\u003e"}
    """
    from markupsafe import Markup

    write = partial(json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_builtin)
    try:
        text = write(value)
    except ValueError:  # not a number, somewhere
        text = write(_finite(value))
    text = _UNSEEN.sub("\ufffd", _SURROGATES.sub("\ufffd", text))
    return Markup(_IN_SCRIPT.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def verdict(name: str) -> "Markup":
    """Return a verdict by shape and words, as the macro of this name writes it."""
    from markupsafe import Markup

    module: Any = _environment(TEMPLATES).get_template("macros.html.j2").module
    return Markup(str(module.verdict(name)).strip())


def visible(text: str) -> str:
    r"""Return a text whose every character can be seen and written: controls as pictures, others that cannot as �.

    >>> visible("a\x00b\u202ec")
    'a␀b�c'
    """
    seen = _CONTROLS.sub(lambda found: chr(0x2400 + ord(found[0])) if ord(found[0]) < 32 else "\ufffd", text)
    return _UNSEEN.sub("\ufffd", _SURROGATES.sub("\ufffd", seen))


def grid(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Grid:
    """Return headers and cells as the macro `sortable` writes them; a column is of numbers when it sorts by them."""
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [any(row[i].is_number for row in cells) for i in range(len(headers))]
    return Grid(list(zip(headers, numeric, strict=True)), cells)


@lru_cache
def _environment(folder: Path) -> "jinja2.Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters |= {
        function.__name__: function for function in (percent, points, times, rate_interval, gap_interval, plain, count)
    }
    environment.filters["grid"] = grid
    return environment


def count(number: object) -> str:
    """Write a count; – where there is none.

    >>> count(9177)
    '9,177'
    """
    if number is None or (isinstance(number, float) and math.isnan(number)):
        return "–"
    return f"{int(float(str(number))):,}"


def _figure(
    charts: Mapping[str, Mapping[str, Any]],
    name: str,
    *,
    caption: str = "",
    table: str = "",
) -> "Markup":
    """Return the figure of a chart; `table` is the id of the element that says the same in words and numbers."""
    from markupsafe import Markup

    said = str(charts[name].get("description") or caption or name)
    module: Any = _environment(TEMPLATES).get_template("macros.html.j2").module
    return Markup(module.figure(name, said, caption, table))


def _finalized(value: object) -> object:
    """Return what an expression of a template shows."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return visible(value)


def _cell(value: object) -> Cell:
    text, sort_value = value if isinstance(value, tuple) else (value, value)
    number = _number(sort_value)
    shown = text if isinstance(text, str) else count(text) if isinstance(text, int) else str(text)
    if not hasattr(shown, "__html__") and len(shown) > _LONGEST:
        shown = f"{shown[:_LONGEST]}…"
    if number is not None:
        return Cell(shown, None if math.isnan(number) else number, is_number=True)
    return Cell(shown, None if sort_value is None else str(sort_value)[:_LONGEST], is_number=False)


def _number(value: object) -> float | None:
    """Return a number of Python or numpy as a float; None where the value is none."""
    if isinstance(value, bool | str) or value is None or not hasattr(value, "__float__"):
        return None
    return float(value)


def _policy(sources: Sequence[str]) -> str:
    """Return the Content-Security-Policy of a page that runs these scripts and loads nothing but audio beside it."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in sources
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "media-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )


def _source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the same with None for what is no finite number."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def _builtin(value: object) -> object:
    """Return a number of numpy as Python's, anything else as text."""
    item = getattr(value, "item", None)
    return _finite(item()) if callable(item) else str(value)
