"""The file behind the transcript cache: where it lies, how it is opened and mended, its rows, what it holds."""
