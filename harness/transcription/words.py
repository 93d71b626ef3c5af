"""Whatever a recogniser returned or raised in, text that any file can hold out."""

LONGEST_ERROR = 500  # characters


def in_words(error: BaseException) -> str:
    """Return the kind of an error and its message, on one line."""
    try:
        message = str(error)
    except Exception:  # an error that cannot say what it is
        message = "(no message)"
    return on_one_line(f"{type(error).__name__}: {message}")


def on_one_line(text: str) -> str:
    """Return a text as an error is kept: one line of at most 500 characters."""
    return encodable(" ".join(text.split())[:LONGEST_ERROR])


def encodable(text: str) -> str:
    """Return a text that any file can hold: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
