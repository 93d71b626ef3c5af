"""Nothing in, the colours, shapes and Vega configs of all charts out: for light pages, for dark ones, and for any.

A chart's marks name styles and ranges, never colours. `spec` hands over `VARIABLES`, whose colours are the page's CSS
variables; `LIGHT` and `DARK` have the same variables' values, for pictures that stand alone.
"""

from collections.abc import Mapping
from typing import Any, Final

LIGHT_COLOURS: Final[Mapping[str, str]] = {  # style.css says the same, which a test holds it to
    "paper": "#fcfbf8", "ink": "#1d1b18", "muted": "#625d55", "line": "#dcd7cd", "strong-line": "#8f887c",
    "accent": "#0b5a73", "accent-soft": "#d5e6eb", "bad": "#a4301a", "good": "#2c6a3f", "band": "#e6e1d5",
    "series-1": "#0b5a73", "series-2": "#b3541e", "series-3": "#5c4b8a", "series-4": "#4f6f22",
    "series-5": "#8c2f5b", "series-6": "#55606b",
    "heat-0": "#f3efe6", "heat-1": "#e8cdb4", "heat-2": "#dba888", "heat-3": "#c97d60", "heat-4": "#ae4f3c",
    "heat-5": "#83271f",
}  # fmt: skip
DARK_COLOURS: Final[Mapping[str, str]] = {
    "paper": "#161719", "ink": "#e9e6df", "muted": "#a8a398", "line": "#34363a", "strong-line": "#74777d",
    "accent": "#7cc4d8", "accent-soft": "#1d3a43", "bad": "#f0907a", "good": "#8cc79b", "band": "#2a2c30",
    "series-1": "#7cc4d8", "series-2": "#eb9d68", "series-3": "#b3a3e6", "series-4": "#a9c978",
    "series-5": "#e58bb4", "series-6": "#a9b4c0",
    "heat-0": "#26272a", "heat-1": "#46312b", "heat-2": "#6a3d31", "heat-3": "#954d3b", "heat-4": "#c4684e",
    "heat-5": "#f0967a",
}  # fmt: skip
FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif'
)
N_SERIES, N_HEATS = 6, 6

CROSS = "M-0.7,-0.7L0.7,0.7M0.7,-0.7L-0.7,0.7"  # Vega scales a path to the mark's size
CIRCLE, SQUARE, DIAMOND, UP, DOWN, RIGHT, LEFT = (
    "circle", "square", "diamond", "triangle-up", "triangle-down", "triangle-right", "triangle-left",
)  # fmt: skip
SERIES_SHAPES = (CIRCLE, SQUARE, UP, DIAMOND, DOWN, "cross")
VERDICTS: Final[Mapping[str, tuple[str, str]]] = {  # name -> shape and colour, those of the page's tables
    "disparity": (UP, "bad"),
    "advantage": (DOWN, "accent"),
    "within_margin": (SQUARE, "good"),
    "inconclusive": (CIRCLE, "ink"),  # hollow
    "insufficient": (CROSS, "muted"),
}
N_PALE = 4  # heats that text in ink can be read on, at 4.5 to 1; on the others text is of the paper's colour

# Names of styles: what a mark is for.
LABEL, HEADER, QUIET, NUMBER, NOTE = "chart-label", "chart-header", "chart-quiet", "chart-number", "chart-note"
LINE, SILENT_LINE, REFERENCE, ZERO, BAND = (
    "chart-line", "chart-silent-line", "chart-reference", "chart-zero", "chart-band",
)  # fmt: skip
POINT, HOLLOW, SILENT_POINT, SILENT_HOLLOW, DOT, SILENT_DOT, TICK, POOLED, STROKE, STROKE_STRONG = (
    "chart-point", "chart-hollow", "chart-silent-point", "chart-silent-hollow", "chart-dot", "chart-silent-dot",
    "chart-tick", "chart-pooled", "chart-stroke", "chart-stroke-strong",
)  # fmt: skip
SERIES_LINE, SERIES_POINT, SERIES_HOLLOW, HALO, FAINT_LINE = (
    "chart-series-line", "chart-series-point", "chart-series-hollow", "chart-halo", "chart-faint-line",
)  # fmt: skip
ARROW, CELL, CELL_FEW, CELL_EMPTY, ON_PALE, ON_DEEP, ON_PALE_SMALL, ON_DEEP_SMALL = (
    "chart-arrow", "chart-cell", "chart-cell-few", "chart-cell-empty", "chart-on-pale", "chart-on-deep",
    "chart-on-pale-small", "chart-on-deep-small",
)  # fmt: skip


def verdict_style(verdict: str) -> str:
    """Return the style of the marks of a verdict."""
    return f"chart-verdict-{verdict.replace('_', '-')}"


def verdict_line_style(verdict: str) -> str:
    """Return the style of the lines of a verdict."""
    return f"chart-line-{verdict.replace('_', '-')}"


def verdict_word_style(verdict: str) -> str:
    """Return the style of a verdict's words."""
    return f"chart-word-{verdict.replace('_', '-')}"


def config(colours: Mapping[str, str]) -> dict[str, Any]:
    """Return the Vega config of a palette; the background is the page's own."""
    quiet = {"labelColor": colours["muted"], "titleColor": colours["muted"], "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "mark": {"aria": False, "color": colours["accent"]},
        "title": {
            "color": colours["ink"], "subtitleColor": colours["muted"], "fontSize": 15, "subtitleFontSize": 12,
            "fontWeight": 600, "anchor": "start", "frame": "bounds", "offset": 12, "subtitlePadding": 6, "aria": False,
        },
        "axis": {
            **quiet, "titleFontWeight": "normal", "gridColor": colours["line"], "domainColor": colours["strong-line"],
            "tickColor": colours["strong-line"], "aria": False, "labelOverlap": True,
            "labelSeparation": 6, "labelPadding": 6, "labelFlush": False, "titlePadding": 8,
        },
        "legend": {
            **quiet, "labelColor": colours["ink"], "titleFontWeight": "normal", "aria": False, "orient": "top",
            "symbolStrokeWidth": 1.5, "symbolOpacity": 1, "symbolSize": 90, "offset": 8,
        },
        "range": {
            "category": [colours[f"series-{number + 1}"] for number in range(N_SERIES)],
            "heatmap": [colours[f"heat-{step}"] for step in range(N_HEATS)],
            "ordinal": [colours["series-1"], colours["series-2"], colours["strong-line"]],  # kinds of errors
        },
        "style": _styles(colours),
    }  # fmt: skip


def _styles(colours: Mapping[str, str]) -> dict[str, Any]:
    muted, ink, accent, strong = (colours[name] for name in ("muted", "ink", "accent", "strong-line"))
    text: dict[str, Any] = {"baseline": "middle", "fontSize": 12}
    point: dict[str, Any] = {"filled": True, "size": 60, "opacity": 1}
    return {
        LABEL: {**text, "color": ink},
        HEADER: {**text, "color": ink, "fontWeight": 600},
        QUIET: {**text, "color": muted},
        NUMBER: {**text, "color": ink},
        NOTE: {**text, "color": muted, "fontSize": 11},
        LINE: {"color": accent, "strokeWidth": 1.6},
        SILENT_LINE: {"color": strong, "strokeWidth": 1.2},
        REFERENCE: {"color": ink, "strokeWidth": 1, "strokeDash": [4, 3]},
        ZERO: {"color": strong, "strokeWidth": 1},
        BAND: {"color": colours["band"], "opacity": 1},
        POINT: {**point, "color": accent},
        HOLLOW: {**point, "filled": False, "color": accent, "strokeWidth": 1.4},
        SILENT_POINT: {**point, "color": strong},
        SILENT_HOLLOW: {**point, "filled": False, "color": strong, "strokeWidth": 1.4},
        DOT: {"color": accent, "filled": True, "opacity": 0.65},
        SILENT_DOT: {"color": muted, "filled": True, "opacity": 0.7},
        TICK: {"color": ink, "size": 12, "thickness": 1.2},
        POOLED: {"color": ink, "size": 26, "thickness": 2, "opacity": 0.9},
        SERIES_LINE: {"strokeWidth": 1.4, "opacity": 1},
        SERIES_POINT: {**point, "size": 48},
        SERIES_HOLLOW: {**point, "filled": False, "size": 44, "strokeWidth": 1.3},
        HALO: {**text, "color": colours["paper"], "stroke": colours["paper"], "strokeWidth": 4, "strokeJoin": "round"},
        FAINT_LINE: {"color": strong, "strokeWidth": 0.8, "opacity": 1},
        STROKE_STRONG: {"color": accent, "strokeWidth": 2, "filled": False, "size": 90, "angle": 90, "opacity": 1},
        STROKE: {"color": strong, "strokeWidth": 1.2, "filled": False, "size": 70, "angle": 90, "opacity": 1},
        ARROW: {"color": muted, "filled": True, "size": 42, "opacity": 1},
        CELL: {"stroke": colours["line"], "strokeWidth": 0.8, "opacity": 1},
        CELL_FEW: {"color": strong, "filled": False, "strokeWidth": 0.9, "opacity": 1},
        CELL_EMPTY: {"color": strong, "filled": False, "strokeWidth": 0.7, "strokeDash": [1, 4], "opacity": 1},
        ON_PALE: {**text, "color": ink},
        ON_DEEP: {**text, "color": colours["paper"]},
        ON_PALE_SMALL: {**text, "color": ink, "fontSize": 10},
        ON_DEEP_SMALL: {**text, "color": colours["paper"], "fontSize": 10},
        **{
            verdict_style(verdict): {
                "color": colours[colour], "filled": verdict not in ("inconclusive", "insufficient"), "opacity": 1,
                "size": 80, "strokeWidth": 1.6,
            }
            for verdict, (_, colour) in VERDICTS.items()
        },
        **{
            verdict_line_style(verdict): {
                "color": strong if verdict == "insufficient" else colours[colour],
                "strokeWidth": 1.2 if verdict == "insufficient" else 1.6,
            }
            for verdict, (_, colour) in VERDICTS.items()
        },
        **{
            verdict_word_style(verdict): {
                **text, "color": colours[colour], "fontWeight": 600 if verdict == "disparity" else 400,
            }
            for verdict, (_, colour) in VERDICTS.items()
        },
    }  # fmt: skip


_VARIABLES = {name: f"var(--{name})" for name in LIGHT_COLOURS}
LIGHT, DARK, VARIABLES = config(LIGHT_COLOURS), config(DARK_COLOURS), config(_VARIABLES)
