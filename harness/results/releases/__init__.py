"""A run and its corpus's ledger in, a folder that may be published out; what it costs is written down before."""
