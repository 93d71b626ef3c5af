"""What an author stated, as a file of a card shows it, in, whether it stands there as this harness writes it out.

Where nobody knows what was stated, any words may stand in its places; but words only. A heading, a tag or an open
comment there could pass for something measured, or hide it.
"""

import re

from harness.report.cards.assemble import CONFIGURATIONS_PLACE, IDENTITY_PLACE, NOT_STATED_PLACE
from harness.report.cards.lines import TAG_BEGINS, TAG_ENDS, Line

_ADDRESS = r"https?://[^\s<>\\]+"
_WORDS = r"(?:[^\\`*_\[\]|#~<>]|\\.)*"  # of Markdown, every sign escaped
_TEXT = rf"(?:<{_ADDRESS}>|{_WORDS})"
_NOT_STATED = r"\*Not stated\.\*"
_LINES = {  # of Markdown, those of a place between its two comments
    IDENTITY_PLACE: rf"# {_TEXT}: service card|- [A-Z][a-z ]+: (?:{_NOT_STATED}|{_TEXT})",
    NOT_STATED_PLACE: rf"\*\*Not stated by the author: {_WORDS}\.\*\*|The author left nothing of this card empty\.",
    CONFIGURATIONS_PLACE: rf"> \*Stated: configurations\.\*|>|> - \*\*{_TEXT}\*\*: (?:{_NOT_STATED}|{_TEXT})"
    rf"|Configurations: {_NOT_STATED}",
}
_ANY_LINES = rf"{_NOT_STATED}|> \*Stated\.\*|>|> (?:- )?{_TEXT}"
_SHOWN = "[^\x02\x03]*"  # of a page, no tag
_LINKED = rf'(?:{_SHOWN}|<a href="{_ADDRESS}" rel="noopener noreferrer">{_SHOWN}</a>)'
_PARTS = {  # of a page, those of a place inside its element
    IDENTITY_PLACE: rf'<p class="kicker">Service card of a speech recogniser</p> ?<h1>{_SHOWN}</h1> ?<dl class="facts">'
    rf"(?: ?<div><dt>{_SHOWN}</dt><dd>{_SHOWN}</dd></div>)* ?</dl>",
    NOT_STATED_PLACE: rf'<p class="missing">(?:<strong>Not stated by the author:</strong>)?{_SHOWN}</p>',
    CONFIGURATIONS_PLACE: r'<p class="kicker">Stated: configurations</p> ?<ul>'
    rf"(?: ?<li><strong>{_SHOWN}</strong>{_SHOWN}</li>)* ?</ul>"
    r'|<p class="none">Configurations: not stated\.</p>',
}
_ANY_PARTS = rf'<p class="kicker">Stated</p>(?: ?<ul>(?: ?<li>{_LINKED}</li>)* ?</ul>|(?: ?<p>{_LINKED}</p>)*)'
_NO_PARTS = r'<p class="none">Not stated\.</p>'


def is_markdown_form(line: Line) -> bool:
    """Say whether a place of `service_card.md` holds quoted words only."""
    form = re.compile(_LINES.get(line.stated, _ANY_LINES))
    return all(form.fullmatch(each) for each in map(str.strip, line.raw.split("\n")) if each)


def is_page_form(line: Line) -> bool:
    """Say whether a place of `service_card.html` has only the tags that it may have."""
    inside = _PARTS.get(line.stated, f"{_ANY_PARTS}|{_NO_PARTS}")
    form = f'<div class="stated" data-stated="{re.escape(line.stated)}"> ?(?:{inside}) ?</div>'
    return re.fullmatch(_marked(form), line.text) is not None


def _marked(form: str) -> str:
    """Return a pattern whose tags are those that a line has between marks."""
    return re.sub(r"<(?=[a-z/])", TAG_BEGINS, form).replace(">", TAG_ENDS)
