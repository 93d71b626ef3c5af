"""A run in, what of it can be shared out: aggregates over enough people, none of which gives a smaller one away."""

from harness.results.sharing.sharing import Shared, check_empty, share_aggregate

__all__ = ["Shared", "check_empty", "share_aggregate"]
