"""Speakers of the recordings; whoever adds some states gender, accent and language here."""

metadata = {
    "jackson": {"gender": "male", "accent": "USA/neutral", "language": "english"},
    "theo": {"gender": "male", "accent": "USA/neutral", "language": "english"},
}
