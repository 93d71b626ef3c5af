"""A command line in, what it may say out: the help of a pipeline, and the completion of shells."""
