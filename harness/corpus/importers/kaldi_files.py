"""The files of a Kaldi data folder in; what each has on one utterance after another out, and what nobody asked for."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from harness.corpus.importers.corpus import Ledger
from harness.corpus.importers.keyed import InMemory, Lookup, Unused, is_in_order, keyed_lines, lookup

TEXT, SPEAKERS, BY_SPEAKER = "text", "utt2spk", "spk2utt"
NO_TEXT = f"has no line in {TEXT}: nothing says what was said"


class DataFiles:
    """Opens files as they are asked for; all are read in step with `text` where they are in its order."""

    def __init__(self, source: Path, ledger: Ledger) -> None:
        self._source = source
        self._ledger = ledger
        self._open: list[Lookup] = []
        self._n_unused: Counter[str] = Counter()
        self._leads = is_in_order(source / TEXT)

    def leading(self, name: str) -> Lookup | None:
        """Returns the values of a file whose every line is an utterance; None where it is not there."""
        return self._lookup(name, lambda line: self._ledger.leave_out(f"{name}:{line}", NO_TEXT))

    def further(self, name: str) -> Lookup | None:
        """Returns the values of a file that says more of utterances; None where it is not there."""
        return self._lookup(name, lambda _: self._n_unused.update([name]))

    def values(self, name: str) -> Mapping[str, str]:
        """Returns the values of a file about recordings or people, all at once; none where it is not there."""
        path = self._source / name
        return {key: value for _, key, value in keyed_lines(path)} if path.is_file() else {}

    def speakers(self) -> Lookup | None:
        """Returns who spoke; None where nobody knows."""
        path = self._source / SPEAKERS
        if path.is_file():
            if all(key == speaker for _, key, speaker in keyed_lines(path)):
                self._ledger.remark(f"{SPEAKERS} has every utterance as its own speaker: nobody knows who spoke")
                return None
            return self.further(SPEAKERS)
        if (self._source / BY_SPEAKER).is_file():
            return _Inverted(self.values(BY_SPEAKER))
        self._ledger.remark(f"no {SPEAKERS}: nobody knows who spoke")
        return None

    def close(self) -> None:
        """Tells of the lines that nobody asked for."""
        for each in self._open:
            each.close()
        for name, n_lines in self._n_unused.items():
            self._ledger.remark(f"{name}: {n_lines} lines are of utterances that {TEXT} does not have")

    def _lookup(self, name: str, unused: Unused) -> Lookup | None:
        path = self._source / name
        if not path.is_file():
            return None
        found = lookup(path, self._ledger, unused) if self._leads else InMemory(path, self._ledger, unused)
        self._open.append(found)
        return found


class _Inverted:
    """Gives the speaker of an utterance from the utterances of a speaker."""

    def __init__(self, utterances: Mapping[str, str]) -> None:
        self._speakers = {each: speaker for speaker, line in utterances.items() for each in line.split()}

    def value(self, key: str) -> str | None:
        """Returns who spoke."""
        return self._speakers.get(key)

    def close(self) -> None:
        """Has nothing to tell: it is as long as what it was made of."""
