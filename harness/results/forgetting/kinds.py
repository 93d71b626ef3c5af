"""A kind of thing that keeps somebody in; what it keeps and what becomes of it out: the table that all others tell."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Treatment:
    """Says what a kind keeps of a person and what is done about it.

    Attributes:
        what: It is.
        keeps: Of a person.
        done: With `apply=true`.
        is_cleared: Whether anything is done; else it is listed, for its owner to decide.
    """

    what: str
    keeps: str
    done: str
    is_cleared: bool = True


class Kind(Enum):
    """Names what keeps somebody."""

    run = "run"
    unfinished = "unfinished"
    baseline = "baseline"
    audit = "audit"
    describe = "describe"
    measured = "measured"
    derived = "derived"
    export = "export"
    bundle = "bundle"
    log = "log"
    cache = "cache"
    cache_export = "cache_export"
    manifest = "manifest"
    transcripts = "transcripts"
    bounty = "bounty"
    aggregate = "aggregate"
    tracking = "tracking"
    other = "other"


TREATMENTS = {
    Kind.run: Treatment(
        "run of benchmark, rescore or last_mile",
        "texts, ids, counts",
        "rows removed; every table and page made anew from the others with the run's own configuration",
    ),
    Kind.unfinished: Treatment("run that has not ended", "texts, ids", "rows removed; it stays unfinished"),
    Kind.baseline: Treatment(
        "blessed baseline", "texts, ids, counts", "rows removed; its tables and digests made anew"
    ),
    Kind.audit: Treatment(
        "audit of invariance",
        "texts, ids, counts",
        "rows removed; the counts in invariance.csv and summary.json remain",
    ),
    Kind.describe: Treatment(
        "description of a corpus", "texts, ids, counts", "rows removed, pages made anew; counts of people remain"
    ),
    Kind.measured: Treatment(
        "measured manifest", "texts, ids, counts", "rows removed, the table of properties made anew"
    ),
    Kind.derived: Treatment(
        "comparison, search or plan of runs", "counts", "rows that name them removed; counts remain"
    ),
    Kind.export: Treatment("export for another tool", "texts, ids", "its files removed; export it again"),
    Kind.bundle: Treatment("audit bundle", "texts, ids, counts", "the archive removed; bundle the run again"),
    Kind.log: Treatment("log or summary of a night", "ids in messages", "their ids replaced by (withdrew)"),
    Kind.cache: Treatment("transcript cache", "texts", "rows removed, the file written anew"),
    Kind.cache_export: Treatment("exported cache", "texts", "lines removed"),
    Kind.manifest: Treatment(
        "manifest and recordings",
        "all of it",
        "yours: an id added to withdrawn.txt beside it leaves them out of every later run; delete rows and recordings",
    ),
    Kind.transcripts: Treatment(
        "transcripts that a run scored", "texts", "yours: delete their lines", is_cleared=False
    ),
    Kind.bounty: Treatment(
        "bounty",
        "texts, counts",
        "once it is closed, every row about a person removed; its answers stand and cannot be computed again",
    ),
    Kind.aggregate: Treatment(
        "card, release, shared folder, night, board", "counts", "listed: make it anew", is_cleared=False
    ),
    Kind.tracking: Treatment("copy in an MLflow store", "counts", "listed: delete it there", is_cleared=False),
    Kind.other: Treatment("file of nobody knows what", "an id", "listed: look into it", is_cleared=False),
}
