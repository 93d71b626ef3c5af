"""Conjunctions of attribute values, proposed and confirmed: what `harness.fairness.discovery` searches."""
