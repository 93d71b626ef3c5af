"""The list of a bounty and the runs of its systems in, the configuration of a router out, or why it cannot be one.

Where a list asks what only a person can say of themselves, it is for evaluation: nobody has tagged who speaks next.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.backends.routable import router_yaml
from harness.corpus.yaml_mapping import yaml_mapping
from harness.errors import ManifestError, UsageError
from harness.pipelines.bounty_outcome import BountyOutcome
from harness.predicates import DecisionList
from harness.report.bounties.answers import Routed
from harness.results.bounties.answering import read_list
from harness.results.bounties.folder import RERUNS, BountyFolder, write_whole
from harness.results.bounties.rules import PublicRules, read_rules
from harness.results.run import CONFIG


@dataclass(frozen=True, kw_only=True)
class BountyRouteJob:
    """Holds what `harness bounty route` needs, as ordinary objects.

    Attributes:
        bounty: The folder of the bounty.
        out: The YAML file to write, such as `my_configs/backend/routed.yaml`.
        runs: Run directories by system, whose configuration says which backend it is; what the owner ran for a
            submission need not be named.
        prefix: What the names of measured columns begin with.
        as_recorded: Whether recordings are mono at 16 kHz, so that what resampling changes is known, too.
    """

    bounty: Path
    out: Path
    runs: Mapping[str, Path] = field(default_factory=dict)
    prefix: str = ""
    as_recorded: bool = False

    def __post_init__(self) -> None:
        """Refuse another file than YAML.

        Raises:
            UsageError: `out` has another suffix.
        """
        if self.out.suffix != ".yaml":
            raise UsageError(f"out={self.out}: expected a file NAME.yaml in a folder `backend`, as Hydra looks for it.")


def bounty_route(job: BountyRouteJob) -> BountyOutcome:
    """Write the router of a list that waveforms alone can be sent by.

    Raises:
        UsageError: The list asks what no waveform tells, is empty, or a system has no backend.
        StorageError: The file cannot be written.
    """
    folder = BountyFolder.open(job.bounty)
    rules = read_rules(folder.rules)
    decisions = read_list(folder, rules).decisions
    if not decisions.nodes:
        raise UsageError(
            f"{folder.path}: nothing was accepted, so the list is {decisions.base} alone; nothing to route."
        )
    _check_measured(decisions, rules)
    about = {each.name: f"{each.describes}, {each.provenance}" for each in rules.columns}
    told = DecisionList(decisions.base, decisions.nodes, {name: about[name] for name in sorted(decisions.columns)})
    nodes = {name: _node(name, path) for name, path in _runs(folder, job, decisions).items()}
    text = router_yaml(told, nodes, prefix=job.prefix, as_recorded=job.as_recorded)
    write_whole(job.out, text.encode())
    return BountyOutcome(Routed(job.out, decisions.system_names, tuple(sorted(decisions.columns))))


def _check_measured(decisions: DecisionList, rules: PublicRules) -> None:
    """Refuse a list that asks what no instrument says.

    Raises:
        UsageError: The columns, with where their values come from.
    """
    asked = [each for each in rules.columns if each.name in decisions.columns and not each.is_measured]
    if asked:
        named = ", ".join(f"{each.name} ({each.describes}, {each.provenance})" for each in asked)
        raise UsageError(
            f"this list is for evaluation only: it asks {named}, which nobody knows of whoever speaks next unless they "
            "are asked, and must not be guessed from a voice. Only lists of measured columns can be run."
        )


def _runs(folder: BountyFolder, job: BountyRouteJob, decisions: DecisionList) -> dict[str, Path]:
    """Return the run directory of every system that has one."""
    unknown = [name for name in job.runs if name not in decisions.system_names]
    if unknown:
        raise UsageError(f"systems names {unknown}; the systems of the list are {list(decisions.system_names)}.")
    own = {
        name: folder.sealed / RERUNS / name.removeprefix("submission ")
        for name in decisions.system_names
        if name.startswith("submission ")
    }
    found = {name: path for name, path in own.items() if (path / CONFIG).is_file()} | dict(job.runs)
    missing = [name for name in decisions.system_names if name not in found]
    if missing:
        raise UsageError(
            f"no run says which backend {missing[0]!r} is; give systems.{missing[0]}=RUN of harness benchmark."
        )
    return found


def _node(name: str, run: Path) -> Mapping[str, object]:
    """Return the backend of a run as its configuration has it.

    Raises:
        UsageError: The run has none: its transcripts came as a file.
    """
    path = run / CONFIG
    try:
        node = yaml_mapping(path.read_bytes(), str(path)).get("backend")
    except (OSError, ManifestError) as error:
        raise UsageError(f"systems.{name}={run}: its {CONFIG} cannot be read ({error}).") from error
    if not isinstance(node, dict):
        raise UsageError(f"systems.{name}={run}: its transcripts came as a file; give a run of harness benchmark.")
    return {str(key): value for key, value in node.items()}
