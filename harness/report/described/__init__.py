"""The run directory of `harness describe` in; its page, its report and its screen out. No number is computed here."""
