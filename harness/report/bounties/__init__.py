"""What became of a bounty in, what people read of it out: on screen, on a page, and what hunters are told."""
