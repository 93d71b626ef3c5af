"""A stored number and its cell's format in, the text that the spreadsheet program shows out.

Covers dates, times, percentages, decimals, thousands and leading zeros (ECMA-376 part 1, 18.8.30 and 18.8.31). Formats
that only the program's language settles (14 and 22) become ISO 8601; fractions and what else is rare, the plain number.
"""

import datetime
import re
from math import isfinite

BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm",
    17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd hh:mm",
    37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
}  # fmt: skip
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LAST_DAY = 2_958_466  # the day after 9999-12-31
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.')
_ASIDE = re.compile(r"\[(?!h+\]|m+\]|s+\])[^\]]*\]", re.IGNORECASE)  # colours, conditions, languages, currencies
_DATE_TOKEN = re.compile(
    r'"[^"]*"|\\.|_.|\*.|\[h+\]|\[m+\]|\[s+\]|AM/PM|A/P|y+|m+|d+|h+|s+(?:\.0+)?|.', re.IGNORECASE | re.DOTALL
)
_ASIDE_FROM = 0xE000  # characters of private use stand for literals while digits are put in
_NUMBER = re.compile(r"([#0?,]*)(?:\.([0#?]*))?(,*)")


def number_shown(stored: str, code: str | None, *, from_1904: bool = False) -> str:
    """Return a stored number as shown; text that is no number as it is.

    >>> number_shown("7", "0000"), number_shown("0.256", "0.0%"), number_shown("45306", "dd.mm.yyyy")
    ('0007', '25.6%', '15.01.2024')
    >>> number_shown("0.30000000000000004", None)
    '0.3'
    """
    try:
        number = float(stored)
    except ValueError:
        return stored
    if not isfinite(number):
        return stored
    section, value = _section(code or "General", number)
    if "general" in section.lower() or section.strip() in ("", "@"):
        return _plain(number)
    if _is_date(section):
        return _date_text(number, section, from_1904=from_1904)
    return _number_text(value, section) or _plain(number)


def is_date_format(code: str | None) -> bool:
    """Say whether numbers of this format are dates or times."""
    return code is not None and _is_date(_section(code, 1.0)[0])


def _plain(number: float) -> str:
    """Return a number with the 15 digits that spreadsheet programs keep."""
    text = format(number, ".15g")
    if "e" in text and abs(number) < 1e15:
        text = format(number, ".20f").rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _section(code: str, number: float) -> tuple[str, float]:
    """Return the part of a format that is for this sign, and the number it formats."""
    kept = _QUOTED.sub(lambda match: match.group().replace(";", "\1"), code)
    sections = [section.replace("\1", ";") for section in kept.split(";")]
    if number < 0 and len(sections) > 1 and sections[1].strip():
        return sections[1], -number
    if number == 0 and len(sections) > 2 and sections[2].strip():
        return sections[2], number
    return sections[0], number


def _is_date(section: str) -> bool:
    bare = _QUOTED.sub("", _ASIDE.sub("", section))
    return re.search(r"[ymdhs]", bare, re.IGNORECASE) is not None and "general" not in bare.lower()


def _date_text(serial: float, section: str, *, from_1904: bool) -> str:
    if not 0 <= serial < _LAST_DAY - (1462 if from_1904 else 0):
        return _plain(serial)
    tokens = _DATE_TOKEN.findall(_ASIDE.sub("", section))
    parts_of_second = max((len(token.partition(".")[2]) for token in tokens if token[:1] in "sS"), default=0)
    unit_s = 10.0 ** -min(parts_of_second, 3)
    seconds = round(serial * 86_400 / unit_s) * unit_s  # so that 59.9996 s is the next minute, as programs show it
    day, in_day_s = divmod(seconds, 86_400)
    start = datetime.datetime(1904, 1, 1) if from_1904 else datetime.datetime(1899, 12, 30 if day >= 60 else 31)
    moment = start + datetime.timedelta(days=day, seconds=in_day_s)
    halves = any(token.upper() in ("AM/PM", "A/P") for token in tokens)
    return "".join(
        _date_token(token, moment, seconds, halves=halves, is_minute=_is_minute(tokens, position))
        for position, token in enumerate(tokens)
    )


def _is_minute(tokens: list[str], position: int) -> bool:
    """Say whether an `m` is minutes: after hours, or before seconds."""
    before = next((token[0].lower() for token in reversed(tokens[:position]) if token[0].lower() in "yhds["), "")
    after = next((token[0].lower() for token in tokens[position + 1 :] if token[0].lower() in "yhds"), "")
    return before in ("h", "[") or after == "s"


def _date_token(token: str, moment: datetime.datetime, seconds: float, *, halves: bool, is_minute: bool) -> str:
    letter, width = token[0].lower(), len(token)
    if letter in '"\\_*' and width > 1:
        return _said(token)
    if letter == "[":
        return _elapsed(token, seconds)
    if token.upper() in ("AM/PM", "A/P"):
        return ("AM" if moment.hour < 12 else "PM")[: 2 if width > 3 else 1]
    if letter == "y":
        return f"{moment.year:04d}" if width > 2 else f"{moment.year % 100:02d}"
    if letter == "m" and not is_minute and width > 2:
        return _MONTHS[moment.month - 1][: {3: 3, 5: 1}.get(width, 9)]
    if letter == "d" and width > 2:
        return _DAYS[moment.weekday()][: 3 if width == 3 else 9]
    if letter == "s":
        whole, _, decimals = token.partition(".")
        fraction = f"{moment.microsecond / 1e6:.{min(len(decimals), 3)}f}"[1:] if decimals else ""
        return f"{moment.second:0{min(len(whole), 2)}d}{fraction}"
    if letter in "mdh":
        hour = (moment.hour - 1) % 12 + 1 if halves else moment.hour
        number = {"m": moment.minute if is_minute else moment.month, "d": moment.day, "h": hour}[letter]
        return f"{number:0{min(width, 2)}d}"
    return token


def _elapsed(token: str, seconds: float) -> str:
    unit_s = {"h": 3600, "m": 60, "s": 1}[token[1].lower()]
    return f"{int(seconds // unit_s):0{len(token) - 2}d}"


def _number_text(number: float, section: str) -> str | None:
    """Return a number in a format of digits; None where the format has more than digits, text and a percent sign."""
    literals: list[str] = []

    def set_aside(match: re.Match[str]) -> str:
        literals.append(_said(match.group()))
        return chr(_ASIDE_FROM + len(literals) - 1)

    bare = _ASIDE.sub(lambda match: _currency(match.group()), section)
    marked = _QUOTED.sub(set_aside, bare)
    found = next((match for match in _NUMBER.finditer(marked) if re.search("[0#?]", match.group())), None)
    if re.search("[eE][+-]|/", marked) or len(literals) > 100 or (found is None and not literals):
        return None

    def said(text: str) -> str:
        places = (ord(letter) - _ASIDE_FROM for letter in text)
        return "".join(literals[at] if 0 <= at < len(literals) else text[i] for i, at in enumerate(places))

    if found is None:
        return said(marked)
    whole, decimals = found.group(1), found.group(2) or ""
    n_thousands = len(whole) - len(whole.rstrip(",")) + len(found.group(3))
    scale = 100 ** marked.count("%") / 1000**n_thousands
    digits = _digits(number * scale, whole.rstrip(","), decimals)
    return f"{said(marked[: found.start()])}{digits}{said(marked[found.end() :])}"


def _digits(value: float, whole: str, decimals: str) -> str:
    """Return a number in digits: `0` always shows one, `#` only where there is one."""
    integer, _, fraction = f"{abs(value):.{min(len(decimals), 15)}f}".partition(".")
    n_fixed = len(decimals.rstrip("#?"))
    fraction = fraction[:n_fixed] + fraction[n_fixed:].rstrip("0")
    integer = integer.lstrip("0").rjust(whole.count("0"), "0")
    if "," in whole:
        integer = re.sub(r"(?<=\d)(?=(\d{3})+$)", ",", integer)
    sign = "-" if value < 0 and re.search("[1-9]", integer + fraction) else ""
    return f"{sign}{integer}{'.' if fraction else ''}{fraction}"


def _said(token: str) -> str:
    """Return what a quoted text, an escaped letter or a placed one shows."""
    if token[0] == '"':
        return token[1:-1]
    return {"\\": token[1:], "_": " "}.get(token[0], "")


def _currency(bracket: str) -> str:
    return f'"{bracket[2:].partition("-")[0].rstrip("]")}"' if bracket.startswith("[$") else ""
