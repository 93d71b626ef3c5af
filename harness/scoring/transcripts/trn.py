"""A NIST TRN file in, a transcript a line out: words, then the utterance's id in parentheses.

Source of the layout: SCTK, `infmts.htm`. Lines that begin with two semicolons are comments, `@` is no word.
"""

import re
from pathlib import Path

from harness.scoring.transcripts.line_files import LineError, gathered, spoken
from harness.scoring.transcripts.records import Heard

_ENDS = re.compile(r"[()]")


def read_trn(path: Path) -> list[Heard]:
    """Return the transcripts of a file, in its order.

    Raises:
        HypothesesError: Lines have no id; every one is named.
    """
    found: list[Heard] = []

    def add(line: int, text: str) -> None:
        words, utterance_id = split(text)
        found.append(Heard(utterance_id, spoken(words), line=line))

    return gathered(path, add, lambda: found)


def split(text: str) -> tuple[str, str]:
    """Return the words and the id of a line; an id may have parentheses of its own, where each is closed.

    Raises:
        LineError: It does not end with an id.

    >>> split("switch it off (u1)"), split("(laughs) off (u(1))")
    (('switch it off ', 'u1'), ('(laughs) off ', 'u(1)'))
    """
    text = text.rstrip()
    depth = 0
    for match in reversed(list(_ENDS.finditer(text))) if text.endswith(")") else ():
        depth += 1 if match[0] == ")" else -1
        if depth == 0:
            utterance_id = text[match.end() : -1].strip()
            if utterance_id:
                return text[: match.start()], utterance_id
            break
    raise LineError(f"ends with {text[-40:]!r}; expected the utterance's id in parentheses")
