"""A table in; a NeMo manifest out, with the recogniser's text and the word counts of an utterance where there is a run.

NeMo's evaluator and its Speech Data Explorer read `pred_text` beside `text`, and slice on any further key. One file a
condition: `manifest.json`, or `manifest_CONDITION.json` where there are several; audio is as recorded, not as heard.

What a manifest cannot hold is in `datasheet.yaml` beside it: what the attributes are and who says so. A clip that
failed has an `error` and an empty `pred_text`, since these tools stop at a line without one: they count all its words
as deleted. They need a duration, which comes from the recording's header where the manifest has none.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from harness.results.exporters.headers import Headers
from harness.results.exporters.json_lines import (
    Plain,
    by_condition,
    check_names,
    of_a_run,
    rows,
    write_datasheet,
    write_json_lines,
)
from harness.results.exporters.table import CONTRACT, OF_A_RUN, ExportTable

log = logging.getLogger(__name__)

_KEYS = {"speaker_id": "speaker", "language": "lang"}  # NeMo's names, where no attribute has them


def write_nemo(table: ExportTable, out: Path) -> list[Path]:
    """Writes the manifest and its datasheet; returns the files.

    Raises:
        UsageError: An attribute has the name that stands for a recogniser's text.
    """
    check_names(table, "nemo")
    names = [attribute.name for attribute in table.attributes]
    headers = Headers()
    written = [
        write_json_lines(out / f"manifest{name and f'_{name}'}.json", _lines(table, frame, names, headers))
        for name, frame in by_condition(table)
    ]
    return [*written, write_datasheet(table, out)]


def _lines(table: ExportTable, frame: pd.DataFrame, names: list[str], headers: Headers) -> Iterator[dict[str, Plain]]:
    n_unknown = 0
    keys = {column: key for column, key in _KEYS.items() if key not in names}
    columns = (*CONTRACT, *names, *(OF_A_RUN if table.has_run else ()))
    for row in rows(frame, columns):
        duration_s = row["duration"] or headers.left_s(row["audio_filepath"], row["offset"])
        n_unknown += duration_s is None
        yield {
            "audio_filepath": row["audio_filepath"] or "",
            "offset": row["offset"],
            "duration": duration_s,
            "text": row["text"],
            "utterance_id": row["utterance_id"],
            keys.get("speaker_id", "speaker_id"): row["speaker_id"],
            keys.get("language", "language"): row["language"],
            **{name: row[name] for name in names},
            **(of_a_run(row) if table.has_run else {}),
        }
    if n_unknown:
        log.warning(
            "%d lines have no duration: no recording is there to take it from; manifest.audio_root=FOLDER says where",
            n_unknown,
        )
