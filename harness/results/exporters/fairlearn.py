"""The table of an export in, a frame that fairlearn's `MetricFrame` takes as it is out, and the lines that do so.

`fairlearn.parquet` has a row for each utterance (and condition): ids, texts as they were scored, counts of words,
`reference_words`, `failed`, and an attribute a column with the values that the harness slices by: `undeclared` and
`declined` are groups of their own, numbers are in their bins. `metric_frame.py` reads it and prints the groups, whose
WERs are those of the run's slices.csv under `failures=deletions`, the usual rule; under `left_out`, they are those of
`frame[~frame.failed]`.

A sensitive feature has one value a row. An attribute with several at once becomes a column for each of its values,
such as `device=phone`, which says yes or no. Speakers, whom intervals have to resample, are a column that `MetricFrame`
does not know of: its own bootstrap resamples utterances as if speakers did not exist.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.corpus.attributes import Attribute
from harness.corpus.values import value_reader
from harness.results.exporters.json_lines import write_whole
from harness.results.exporters.parquet import whole
from harness.results.exporters.table import COUNTS, ExportTable

FRAME, PROGRAM = "fairlearn.parquet", "metric_frame.py"
YES, NO = "yes", "no"
_PROGRAM = '''"""Prints the word error rate of every group: python metric_frame.py"""

from pathlib import Path

import pandas as pd
from fairlearn.metrics import MetricFrame, count

frame = pd.read_parquet(Path(__file__).with_name("{frame}"))
words, errors = frame["reference_words"], frame[["substitutions", "deletions", "insertions"]].sum(axis=1)
metrics = {{"wer": lambda words, errors: errors.sum() / words.sum() if words.sum() else float("nan"), "n": count}}
for name, source in {features}:  # a name, and who says so
    print(f"{{name}} ({{source}})")
    print(MetricFrame(metrics=metrics, y_true=words, y_pred=errors, sensitive_features=frame[name]).by_group)
'''


def write_fairlearn(table: ExportTable, out: Path) -> list[Path]:
    """Writes the frame and the program that reads it.

    Args:
        table: What is exported, with a run.
        out: A folder.

    Returns:
        `out/fairlearn.parquet` and `out/metric_frame.py`.

    Raises:
        OSError: They cannot be written.
    """
    features = sensitive_features(table)
    with whole(out / FRAME) as part:
        pd.concat([_scored(table.frame), features], axis=1).to_parquet(part, index=False)
    several = len(table.frame["condition"].unique()) > 1
    told = {each.name: each.provenance.value.replace("_", "-") for each in table.attributes}
    named = [(name, told.get(name) or told.get(name.rpartition("=")[0], "")) for name in map(str, features)]
    conditions = [("condition", "what was done to the audio")] if several else []
    names = ascii([*conditions, *named])  # a corpus's names, which must not become code
    program = _PROGRAM.format(frame=FRAME, features=names)
    return [out / FRAME, write_whole(out / PROGRAM, [program.encode()])]


def sensitive_features(table: ExportTable) -> pd.DataFrame:
    """Returns the attributes as what can be grouped by: a text in every cell."""
    columns: dict[str, Sequence[str]] = {}
    for attribute in table.attributes:
        columns |= _values(table, attribute)
    return pd.DataFrame(columns, index=table.frame.index, dtype=object)


def _values(table: ExportTable, attribute: Attribute) -> dict[str, Sequence[str]]:
    read = value_reader(attribute, table.datasheet)
    values = [read(cell) for cell in table.frame[attribute.name]]
    if not attribute.multivalued:
        return {attribute.name: [str(value) for value in values]}
    known = dict.fromkeys(part for value in values for part in value)
    return {f"{attribute.name}={part}": [YES if part in value else NO for value in values] for part in known}


def _scored(frame: pd.DataFrame) -> pd.DataFrame:
    counts = frame[list(COUNTS)].astype(np.int64)
    return frame[["utterance_id", "speaker_id", "condition", "reference", "hypothesis"]].assign(
        **{name: counts[name] for name in COUNTS},
        reference_words=counts["hits"] + counts["substitutions"] + counts["deletions"],
        failed=frame["pred_text"].isna(),
    )
