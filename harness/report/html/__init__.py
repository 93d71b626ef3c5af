"""A finished run in, `report.html` out: one file for an engineer, a product owner and an auditor."""

from harness.report.html.options import ReportOptions
from harness.report.html.writing import render_html, write_html

__all__ = ["ReportOptions", "render_html", "write_html"]
