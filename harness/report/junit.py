"""What nightly.json says in, JUnit XML out: what every CI system reads, one test case a cell and a dimension.

Elements and attributes are those of the schema that Jenkins checks files by; other systems read as much or less.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from harness.fairness.membership import OVERALL
from harness.report.nightly import who_says

Facts = Mapping[str, Any]

_LONGEST_MESSAGE = 500  # characters of an attribute; the element has all of it
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def junit_xml(facts: Facts) -> str:
    """Return the document: of each cell whether it was measured, and of each dimension what got worse in it."""
    suites = ET.Element("testsuites", name=_legal(f"night {facts['night']}"))
    for cell in facts["cells"]:
        worse = [row for row in facts["changes"] if row["cell"] == cell["name"] and row["verdict"] == "regression"]
        _suite(suites, cell, worse, fail_on_policy=bool(facts["gate"]["fail_on_policy"]))
    for name in ("tests", "failures", "errors"):
        suites.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _suite(suites: ET.Element, cell: Facts, worse: Sequence[Facts], *, fail_on_policy: bool) -> None:
    suite = ET.SubElement(suites, "testsuite", name=_legal(cell["name"]))
    seconds = f"{float(cell['seconds']):.3f}"
    measured = _case(suite, cell, "measured", seconds)
    if not cell["measured"]:
        _problem(measured, "error", cell["reason"])
    elif cell["exit_status"] == 4:
        _problem(measured, "failure", f"{cell['n_failed']:,} clips failed, more than the policy allows")
    if cell["measured"]:
        _compared(suite, cell, worse)
        if fail_on_policy:
            held = _case(suite, cell, "policy")
            if cell["exit_status"] == 3:  # violated; with 4, its clips are a failure above
                _problem(held, "failure", f"{cell['n_violations']} slices violate the policy {cell['policy']}")
    paths = {"tests": "", "failures": "/failure", "errors": "/error", "skipped": "/skipped"}
    for name, path in paths.items():
        suite.set(name, str(len(suite.findall(f"testcase{path}"))))
    suite.set("time", seconds)


def _compared(suite: ET.Element, cell: Facts, worse: Sequence[Facts]) -> None:
    if cell["standing"] != "compared":
        kind = "skipped" if cell["standing"] == "no_baseline" else "error"
        _problem(_case(suite, cell, "compared with its baseline"), kind, cell["comparison"])
        return
    for dimension in cell["dimensions"]:
        case = _case(suite, cell, "everybody" if dimension == OVERALL else dimension)
        found = [f"{_what(row)}: {row['reason']}" for row in worse if row["dimension"] == dimension]
        if found:
            _problem(case, "failure", "\n".join([*found, *who_says([cell], [(cell["name"], dimension)])]))
    for told in who_says([cell], [(cell["name"], dimension) for dimension in cell["dimensions"]]):
        # some readers show it, others a failure's text alone
        ET.SubElement(suite, "system-out").text = _legal(told)


def _what(row: Facts) -> str:
    return "WER of everybody" if row["dimension"] == OVERALL else f"{_MEASURES[row['measure']]} of {row['slice']}"


_MEASURES = {"slice_wer": "WER", "gap": "gap"}


def _case(suite: ET.Element, cell: Facts, name: str, seconds: str = "0.000") -> ET.Element:
    classname = _legal(f"nightly.{cell['name']}")
    return ET.SubElement(suite, "testcase", classname=classname, name=_legal(name), time=seconds)


def _problem(case: ET.Element, kind: str, said: object) -> None:
    text = _legal(said)
    problem = ET.SubElement(case, kind, message="; ".join(text.splitlines())[:_LONGEST_MESSAGE])
    if kind != "skipped":
        problem.set("type", kind)
        problem.text = text


def _legal(text: object) -> str:
    """Return a text that XML 1.0 can hold."""
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", str(text))
