"""Poisson regressions of word errors on slices and covariates: what `harness.fairness.adjusted` fits."""
