"""Measures for whom a speech recogniser works worse, by how much, how sure we are, and whether that was promised."""
