"""A manifest, and perhaps a run of it, in; the files that other tools read out: one format a file, `write_<format>`."""
