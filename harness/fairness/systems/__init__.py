"""Two systems on the same utterances: what `harness.fairness.paired` compares."""
