"""What is kept of a person in, found and removed, out: past runs, baselines, caches and all that was made of them."""
