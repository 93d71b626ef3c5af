"""Pairs of people or utterances that are alike: what `harness.fairness.matched` compares."""
