"""What kind of errors, and how unequally they fall: the rows of `harness.fairness.metrics`, each kind in a module."""
