"""A language as a corpus writes it in, its BCP 47 tag out, where there is no doubt which one it means."""

from harness.corpus.cells import LANGUAGE_TAG

# English names (ISO 639) that manifests of speech corpora have in place of tags; dialects have none here.
TAGS_BY_NAME = {
    "arabic": "ar", "bengali": "bn", "cantonese": "yue", "chinese": "zh", "czech": "cs", "dutch": "nl",
    "english": "en", "finnish": "fi", "french": "fr", "german": "de", "hebrew": "he", "hindi": "hi",
    "hungarian": "hu", "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko", "mandarin": "zh",
    "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "spanish": "es",
    "swahili": "sw", "swedish": "sv", "tamil": "ta", "thai": "th", "tibetan": "bo", "turkish": "tr",
    "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "welsh": "cy", "yoruba": "yo",
}  # fmt: skip


def language_of(written: str) -> str | None:
    """Returns the tag; None where what is written is neither a tag nor a name that is known.

    >>> language_of("English"), language_of("en_us"), language_of("Singaporean English")
    ('en', 'en-us', None)
    """
    text = written.strip()
    known = TAGS_BY_NAME.get(text.casefold())
    tag = text.replace("_", "-")
    return known or (tag if LANGUAGE_TAG.fullmatch(tag) else None)
