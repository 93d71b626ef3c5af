"""What a datasheet says that readers must know stands in the report and on the service card, and is checked there."""

import json

import pytest

from tests.builders import FEW_RESAMPLES, harness
from tests.corpus.builders import row, self_reported, write_datasheet, write_manifest

CAVEATS = ["Only six men were recorded.", "Sentences are <b>read</b>."]


@pytest.fixture
def run(tmp_path):
    rows = [row(f"u{n}", speaker_id=f"s{n % 12}", accent=("north", "south")[n % 2]) for n in range(48)]
    write_manifest(tmp_path, rows)
    write_datasheet(tmp_path, {"accent": self_reported("accent")}, caveats=CAVEATS, citation="Doe (2024).")
    (tmp_path / "heard.csv").write_text("utterance_id,text\n" + "".join(f"u{n},hello there\n" for n in range(48)))
    files = ("manifest.path=toy.jsonl", "hypotheses=heard.csv", "run_dir=run")
    ended = harness("rescore", *files, *FEW_RESAMPLES, cwd=tmp_path)
    assert ended.exit_status in (0, 3), ended.err
    return tmp_path / "run"


def test_run_and_reports_keep_them(run):
    facts = json.loads((run / "run.json").read_text())
    assert facts["manifest"]["caveats"] == CAVEATS
    assert facts["manifest"]["citation"] == "Doe (2024)."
    assert CAVEATS[0] in (run / "report.md").read_text()


def test_the_card_says_them_and_one_changed_word_is_found(run):
    tmp_path = run.parent
    assert harness("service_card", "run=run", "out=card", cwd=tmp_path).exit_status == 0
    card = tmp_path / "card" / "service_card.md"
    assert CAVEATS[0] in card.read_text()
    assert "&lt;b&gt;read" in (tmp_path / "card" / "service_card.html").read_text()
    assert harness("service_card", "run=run", f"verify={card}", cwd=tmp_path).exit_status == 0
    card.write_text(card.read_text().replace("Only six men", "Only sixty men"))
    assert harness("service_card", "run=run", f"verify={card}", cwd=tmp_path).exit_status == 3
