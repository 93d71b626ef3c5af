"""Programs that are run and talked to in lines, for `harness.backends.command`."""
