"""A run in, how many rows of its slices are of few people out, in words: a bundle hides none of them."""

from harness.results.few import floor_of
from harness.results.run import SLICES, Run


def small_rows(run: Run) -> str:
    """Say how many slices of a bundle are of fewer people than the run's policy asks for, and how many of one."""
    people, floor = run.slices["n_speakers"], floor_of(run.facts)
    n_few, n_one = int(people.between(1, floor - 1).sum()), int((people == 1).sum())
    begins = f"Its tables hide nobody: of {len(people):,} rows of {SLICES}, "
    if not n_few:
        return f"{begins}none is of fewer than {floor} people, the floor of its policy."
    few = f"{n_few:,} {'is' if n_few == 1 else 'are'} of fewer than {floor} people, the floor of its policy"
    one = f", {n_one:,} of them of one person" if n_one else ""
    return f"{begins}{few}{one}; its other tables have the same slices. To publish it is to publish these."
