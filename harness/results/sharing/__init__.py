"""A run in, what of it can be shared out: aggregates over enough people, none of which gives a smaller one away."""

from harness.results.sharing.sharing import Shared, share_aggregate

__all__ = ["Shared", "share_aggregate"]
