metadata = {
    "jackson": {"gender": "male", "accent": "USA/neutral", "language": "english"},
    "theo": {"gender": "male", "accent": "USA/neutral", "language": "english"},
}
