"""The commands, each a page of straight-line calls on ordinary objects."""
