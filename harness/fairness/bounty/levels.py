"""Rules and what has been accepted so far in, the level at which the next question is judged out.

A hunter sees nothing of the holdout but answers. All that can be asked is therefore a tree: a node is a question with
all answers before it, and there the question, the list and its repairs are fixed, so that its test is an ordinary one.
If the levels of all nodes sum to at most alpha, so is the chance that a bounty ever accepts a pair that is no better,
whatever hunters do (a union bound over transcripts, as in Blum and Hardt 2015). Here alpha is spent evenly over the
number j < k of acceptances before a question, and evenly over the nodes with as many:

    level = (alpha / k) / (C(U, j + 1) R^j) x the weights of the repairs published so far,

where C(U, j + 1) says which questions were accepted and which one is asked now, R^j which gains were told, and the
repairs, which depend on errors in the holdout, are paid for by a prefix code: 1/2 to stop, 1 / (2M) for each of the M
repairs that can come next. A first question costs alpha / (k U), where one level for everything that can ever be asked
would cost alpha / `number_of_queries`: for U = 100 and k = 10, 3.9 standard errors instead of 8.1.

This pays for acceptances, gains in steps, and the list. What hunters learn besides of the holdout's losses before it
is retired is not paid for: reasons, judgements, tables, and results of the same people that were published elsewhere.
"""

from collections.abc import Sequence
from math import comb

from harness.fairness.bounty.rules import BountyRules


def level(rules: BountyRules, n_repairs: Sequence[int]) -> float:
    """Return the one-sided level of the next question.

    Args:
        rules: What was declared before the first question.
        n_repairs: How many repairs followed each acceptance so far, (n_accepted,), fewer than n_acceptances.

    >>> level(BountyRules(n_submissions=100, n_acceptances=5), [])
    0.0001
    """
    n_accepted = len(n_repairs)
    weight = rules.alpha / rules.n_acceptances / comb(rules.n_submissions, n_accepted + 1)
    for acceptance, repairs in enumerate(n_repairs, start=1):
        weight *= repairs_weight(acceptance, repairs) / len(rules.gain_steps)
    return weight


def n_possible_repairs(acceptance: int) -> int:
    """Return M, how many repairs the list can need next after its acceptance-th acceptance (from 1).

    Every accepted group may be pointed to the list before any round, and the newest group also to the list with
    nothing but itself added. After the first acceptance there is nothing to repair: its group has just got better.
    """
    return 0 if acceptance == 1 else acceptance**2 + 1


def repairs_weight(acceptance: int, n_repairs: int) -> float:
    """Return the weight of one sequence of repairs after an acceptance; the weights of all sequences sum to 1."""
    possible = n_possible_repairs(acceptance)
    return 0.5 * (0.5 / possible) ** n_repairs if possible else float(n_repairs == 0)


def number_of_queries(n_submissions: int, n_acceptances: int) -> int:
    """Return how many questions there are over all transcripts of accepts and rejects with at most k acceptances.

    The sum of C(U, j + 1) over j <= k: what a level would have to be divided by if every question were judged at the
    same one, told nothing but the bit, and no repairs were published.

    >>> f"{number_of_queries(100, 10):.3g}"
    '1.61e+14'
    """
    return sum(comb(n_submissions, j + 1) for j in range(n_acceptances + 1))
