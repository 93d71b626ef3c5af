"""Tables of Arrow's types in, whatever file they are in; records of their rows out."""
