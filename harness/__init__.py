"""Measures, for any speech recogniser: for whom it works worse, by how much, how sure we are, within what was promised."""
