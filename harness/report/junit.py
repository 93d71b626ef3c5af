"""What nightly.json says in, JUnit XML out: what every CI system reads, one test case a cell and a dimension."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from harness.report.nightly import verdict_sentence

Facts = Mapping[str, Any]

EVERYBODY = "overall"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def junit_xml(facts: Facts) -> str:
    """Return the document: of each cell whether it was measured, and of each dimension what got worse in it."""
    suites = ET.Element("testsuites", name=_legal(f"night {facts['night']}"))
    for cell in facts["cells"]:
        changes = [row for row in facts["changes"] if row["cell"] == cell["name"] and row["verdict"] == "regression"]
        _suite(suites, cell, changes)
    for name in ("tests", "failures", "errors", "skipped"):
        suites.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    suites.append(ET.Comment(_legal(verdict_sentence(facts)).replace("--", "- -").rstrip("-")))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _suite(suites: ET.Element, cell: Facts, changes: Sequence[Facts]) -> None:
    name = _legal(cell["name"])
    suite = ET.SubElement(suites, "testsuite", name=name)
    measured = _case(suite, name, "measured", float(cell["seconds"]))
    if not cell["measured"]:
        _problem(measured, "error", cell["reason"])
    elif cell["exit_status"] == 4:
        _problem(measured, "failure", f"{cell['n_failed']} clips failed, more than the policy allows")
    if cell["measured"]:
        _compared(suite, name, cell, changes)
    counts = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error"}
    for attribute, path in (counts | {"skipped": "testcase/skipped"}).items():
        suite.set(attribute, str(len(suite.findall(path))))


def _compared(suite: ET.Element, name: str, cell: Facts, changes: Sequence[Facts]) -> None:
    if cell["standing"] != "compared":
        kind = "skipped" if cell["standing"] == "no_baseline" else "error"
        _problem(_case(suite, name, "compared with its baseline"), kind, cell["comparison"])
        return
    for dimension in cell["dimensions"]:
        worse = [row for row in changes if row["dimension"] == dimension]
        case = _case(suite, name, "everybody" if dimension == EVERYBODY else dimension)
        if worse:
            said = [f"{row['measure']} of {row['slice']}: {row['reason']}" for row in worse]
            _problem(case, "failure", "; ".join(said))


def _case(suite: ET.Element, cell: str, name: str, seconds: float = 0.0) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=f"nightly.{cell}", name=_legal(name), time=f"{seconds:.3f}")


def _problem(case: ET.Element, kind: str, said: object) -> None:
    problem = ET.SubElement(case, kind, message=_legal(said)[:500])
    if kind != "skipped":
        problem.text = _legal(said)


def _legal(text: object) -> str:
    """Return a text that XML 1.0 can hold."""
    return _ILLEGAL.sub("\ufffd", str(text))
