"""Windows of audio in, whisper's texts out: the parts of `harness.backends.whisper` that make it fast.

From audio to text: `features` (log-Mel spectrograms), `encoder`, `decoder` (attention caches), `languages`, `rules`
(which tokens may come next), `greedy` and `beams` (choosing them), `fallback` (when to try again), `listener` (these,
over windows), `windows` (the course through a long clip), `engine` (many clips). `linears` and `attention` hold the
products, `records` what the parts hand each other.
"""
