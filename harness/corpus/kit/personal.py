"""A column's name and cells in, what kind of personal data they look like out: not to be sliced on unasked."""

import re
from collections.abc import Sequence

from harness.corpus.kit.names import folded, words

EMAIL = re.compile(r"[^\s@<>()]{1,64}@[^\s@<>()]{1,200}\.[A-Za-z]{2,}")
PHONE = re.compile(r"\+?[0-9(][0-9()\s./-]{5,18}[0-9]")
_YEAR = "((?:18|19|20)[0-9]{2})"
DATE = re.compile(
    rf"(?:{_YEAR}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}|[0-9]{{1,2}}[-/. ]{{1,2}}[0-9A-Za-z]{{1,9}}[-/., ]{{1,2}}{_YEAR})"
    r"(?:[ T].*)?"
)
_CAPITALISED = r"[^\W\d_a-z][\w'’-]+"
FULL_NAME = re.compile(
    rf"(?:(?:Dr|Prof|Mr|Mrs|Ms|Herr|Frau|Mme)\.? )*{_CAPITALISED},?"
    rf"(?: (?:[^\W\d_a-z]\.|van|von|der|den|de|da|di|la|le|al|bin|{_CAPITALISED}))* {_CAPITALISED}"
)
LONGEST_NAME = 60  # characters
SHARE = 0.6  # of the filled cells that look alike, for a column to be of that kind; for e-mail addresses one is enough
YEARS_APART = 15  # dates of birth span more, dates of recording less
FEWEST_NAMES = 3

_NAMES = frozenset(
    """name names fullname firstname lastname surname forename givenname familyname middlename maidenname vorname
    nachname familienname zuname nom prenom nomdefamille nombre nombres apellido apellidos nomecompleto cognome
    sobrenome achternaam voornaam efternamn fornamn imie nazwisko""".split()  # noqa: SIM905
)
_NAME_PARTS = frozenset("name vorname nachname nom prenom nombre apellido nome cognome naam namn".split())  # noqa: SIM905
_OF_PERSONS = frozenset(
    """first last full given family middle maiden user patient nurse doctor speaker person caller customer client staff
    employee participant contact kontakt s patienten kunden sprecher mitarbeiter de del der des""".split()  # noqa: SIM905
)
_HEADERS = {
    "e-mail addresses": "email emailaddress emails mail mailaddress mailadresse courriel correo correoelectronico",
    "phone numbers": """phone phonenumber telephone telephonenumber tel mobile mobilenumber mobil mobilnummer cell
        cellphone handy handynummer telefon telefonnummer rufnummer telefono numerodetelefono telefone portable fax""",
    "dates of birth": """dob dateofbirth birthdate birthday birthdaydate born geburtsdatum geburtstag gebdatum
        datedenaissance fechadenacimiento datadenascimento datadinascita geboortedatum fodelsedatum""",
    "addresses": """address street streetaddress homeaddress postcode postalcode zip zipcode adresse anschrift strasse
        plz postleitzahl direccion domicilio codigopostal codepostal indirizzo endereco adres""",
    "numbers of persons": """ssn socialsecuritynumber nhsnumber nhsno mrn medicalrecordnumber passport passportnumber
        nationalid insurancenumber versicherungsnummer krankenversichertennummer personalnummer iban taxid dni nif""",
}
_BY_HEADER = {name: kind for kind, names in _HEADERS.items() for name in names.split()}


def personal_kind(header: str, cells: Sequence[str]) -> str | None:
    """Return what kind of personal data a column looks like, by its name or by its cells; None for none.

    It sees what is written plainly. A nickname, or a name in a column of remarks, it does not see.

    >>> personal_kind("Contact", ["a.b@example.org", ""]), personal_kind("Ward name", ["A3", "B1"])
    ('e-mail addresses', None)
    """
    return _by_header(header) or _by_cells([cell for cell in cells if cell])


def _by_header(header: str) -> str | None:
    whole, parts = folded(header), set(words(header))
    if whole in _NAMES or (parts & _NAME_PARTS and parts <= _NAME_PARTS | _OF_PERSONS):
        return "names"
    return _BY_HEADER.get(whole)


def _by_cells(cells: Sequence[str]) -> str | None:
    if any(EMAIL.search(cell) for cell in cells):
        return "e-mail addresses"
    years = [int(match.group(1) or match.group(2)) for cell in cells if (match := DATE.fullmatch(cell))]
    if len(years) > SHARE * len(cells) and max(years) - min(years) >= YEARS_APART:
        return "dates of birth"
    if cells and not years and sum(map(_is_phone, cells)) > SHARE * len(cells):
        return "phone numbers"
    names = {cell for cell in cells if len(cell) <= LONGEST_NAME and FULL_NAME.fullmatch(cell)}
    if len(names) >= FEWEST_NAMES and len(names) > 0.8 * len(set(cells)) and len(names) > 0.2 * len(cells):
        return "names"
    return None


def _is_phone(cell: str) -> bool:
    n_digits = sum(character.isdigit() for character in cell)
    is_grouped = cell.startswith(("+", "0", "(")) or len(re.findall(r"[\s/.-]", cell)) >= 2
    return n_digits >= 7 and is_grouped and PHONE.fullmatch(cell) is not None
