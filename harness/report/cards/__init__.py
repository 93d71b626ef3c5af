"""A service's own words and finished runs in, its card out: Markdown, HTML and JSON, every number with its row."""
