"""Frames of a run directory in, Altair charts out, and from a chart its Vega-Lite spec, its notes, SVG or PNG.

Every chart is one view as wide as its container and as high as its rows need. Rates, gaps and ratios come in as
fractions and are shown in percent, points and times; texts of data are shortened and shown as texts. `spec(chart)` has
colours as the page's CSS variables (`var(--ink)`); `LIGHT` and `DARK` are the same Vega config with their values.
Where a frame has nothing to draw, a chart raises UsageError: look whether it is empty first.
"""

from harness.report.charts.conditions_grid import conditions_grid
from harness.report.charts.drawing import description, left_out, notes, png, spec, svg
from harness.report.charts.error_kinds import composition
from harness.report.charts.extra_harm import extra_harms
from harness.report.charts.gap_by_slice import gaps
from harness.report.charts.held_equal import adjusted
from harness.report.charts.intersections import heatmap, pairs
from harness.report.charts.level_curves import Along, level_curves
from harness.report.charts.people import speakers
from harness.report.charts.placed import placed
from harness.report.charts.served_better import served_better
from harness.report.charts.several_systems import systems
from harness.report.charts.speed_by_slice import latency, speed
from harness.report.charts.system_points import wer_against_gap
from harness.report.charts.theme import DARK, LIGHT
from harness.report.charts.wer_by_slice import forest

__all__ = [
    "DARK",
    "LIGHT",
    "Along",
    "adjusted",
    "composition",
    "conditions_grid",
    "description",
    "extra_harms",
    "forest",
    "gaps",
    "heatmap",
    "latency",
    "left_out",
    "level_curves",
    "notes",
    "pairs",
    "placed",
    "png",
    "served_better",
    "speakers",
    "spec",
    "speed",
    "svg",
    "systems",
    "wer_against_gap",
]
