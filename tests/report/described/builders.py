"""Corpora of people on disk, described; what was written and what is shown of it."""

import io
import re
from dataclasses import replace

import pandas as pd

from harness.fairness import Policy
from harness.fairness.described import DescribeOptions
from harness.fairness.planning import PlanOptions
from harness.pipelines.describe import DescribeJob, describe
from harness.report.described.screen import show_description
from tests.corpus.builders import load, row, self_reported, write_datasheet, write_manifest


def job_of(run_dir, manifest, **changes):
    job = DescribeJob(
        manifest=manifest,
        against=(),
        options=DescribeOptions(),
        plan=PlanOptions(),
        policy=Policy(),
        by=None,
        seed=0,
        run_dir=str(run_dir),
        config={},
        config_yaml="policy: {}\n",
    )
    return replace(job, **changes)


def people_of(folder, rows, attributes=("accent", "gender"), **sheet):
    write_datasheet(folder, {name: self_reported() for name in attributes}, **sheet)
    return load(write_manifest(folder, rows))


def crowd():
    """Return forty people, of whom one is alone at a crossing."""
    return [
        row(
            f"u{person}-{number}",
            speaker_id=f"secret-{person}",
            text=f"the private words of {person} {number}",
            accent="north" if person < 30 else "south",
            gender="female" if person % 2 else "male" if person else "other",
            duration=2.0,
        )
        for person in range(40)
        for number in range(2)
    ]


def described(tmp_path, manifest, **changes):
    return describe(job_of(tmp_path / "out", manifest, **changes)).run


def table_of(run, name):
    return pd.read_csv(run.path / name, keep_default_na=False, na_values=[""])


def page_of(run):
    """Return what the page says, without its scripts and styles."""
    html = (run.path / "describe.html").read_text(encoding="utf-8")
    return html, re.sub(r"<(script|style)[^>]*>.*?</\1>", "", html, flags=re.DOTALL)


def shown(run):
    out = io.StringIO()
    show_description(run, out)
    return out.getvalue()
