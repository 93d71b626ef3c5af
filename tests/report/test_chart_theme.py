"""The colours of charts: those of the pages, and told apart by everybody."""

import re
from pathlib import Path

import pytest

from harness.report.charts import theme


def test_the_palettes_are_those_of_the_pages():
    style = (Path(theme.__file__).parents[1] / "templates" / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)
    for colours, block in zip((theme.LIGHT_COLOURS, theme.DARK_COLOURS), blocks[:2], strict=True):
        said = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))
        assert {name: said.get(name) for name in colours} == dict(colours)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT_COLOURS, theme.DARK_COLOURS], ids=["light", "dark"])
def test_text_and_marks_stand_out_as_wcag_aa_asks(colours):
    paper = colours["paper"]
    texts = ["ink", "muted", *(colour for _, colour in theme.VERDICTS.values()), *_series()]
    assert {name for name in texts if contrast(colours[name], paper) < 4.5} == set()
    assert {name for name in ("accent", "strong-line") if contrast(colours[name], paper) < 3} == set()
    heats = [colours[f"heat-{step}"] for step in range(theme.N_HEATS)]
    assert min(contrast(heat, colours["ink"]) for heat in heats[: theme.N_PALE]) >= 4.5
    assert min(contrast(heat, paper) for heat in heats[theme.N_PALE :]) >= 4.5


def _series():
    return [f"series-{number + 1}" for number in range(theme.N_SERIES)]
