"""A release in, its page, its report and its screen out: what it says, what it protects and what it does not."""
