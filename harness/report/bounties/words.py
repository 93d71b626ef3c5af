"""The rules of a bounty in, the sentences that page, screen and guide share out: what an answer means."""

from harness.fairness.bounty import Assumed
from harness.report.wording import figure, how_many, percent
from harness.results.bounties.rules import DeclaredColumn, PublicRules

ACCEPTED = (
    "Accepted means: on people whom nobody outside has seen, the alternative makes fewer word errors for the group "
    "than the list did, by a lower bound over speakers and by a test of random signs, at a level that pays for every "
    "answer that could have been given before."
)
REJECTED = (
    "Rejected means that this was not shown. It never means that both serve the group alike: the group may have too "
    "few people, the gain may be too small, or the level too strict by now."
)
EVALUATION_ONLY = (
    "A group by what people said of themselves is for evaluation: it shows who is served worse, and nobody may be "
    "routed by it who was not asked. A list can be run as a router only where every column is measured of the "
    "recording."
)

_FORGOT = (
    "its owner removed every row about a person after the end, as is done when somebody withdraws consent; whether "
    "somebody did, nobody else can know. Since then no answer can be computed again, and nobody can see that the "
    "sealed half is the one committed to: without a copy from before, both are the owner's word. That no line was "
    "changed can be checked as ever. What was accepted was accepted with everybody."
)


def forgot(line: int, at: str) -> str:
    """Say what is known, and what is not, where the rows of people were removed."""
    return f"By line {line} of the ledger, of {at}, {_FORGOT}"


def promise(rules: PublicRules) -> str:
    """Say what the rules ask of an acceptance, and how often may be asked."""
    told = rules.rules
    return (
        f"At most {how_many(told.n_submissions, 'submission is', 'submissions are')} answered and "
        f"{told.n_acceptances:,} accepted; then this holdout answers no more. The chance that a bounty accepts "
        f"anything that is no better is at most {percent(told.alpha)}. An acceptance gains at least "
        f"{100 * told.min_gain:g} points of all words of the holdout, of at least {told.min_speakers} speakers in the "
        "group."
    )


def assumed(rules: PublicRules) -> str:
    """Say what an acceptance rests on."""
    of_alternatives = {
        Assumed.symmetry: "that people gain about as they lose by an alternative that is no better on average: one "
        "that usually helps a little and rarely fails somebody altogether could pass where none of those few is sealed",
        Assumed.nothing: "nothing of alternatives: also one that rarely fails somebody altogether is excluded, which "
        "only large gains of many people are enough for",
    }
    return (
        f"It assumes that speakers are independent of one another, and {of_alternatives[rules.rules.assumed]}; and "
        "that the sealed half stays sealed: who has its recordings and references from elsewhere, such as a public "
        "corpus, can fit an alternative to them; who finds a table of the whole run, such as its slices, has the "
        "sealed half of it by taking away the published one; and no level pays for either. Loss is word errors of an "
        "utterance, never more than its words, so that one that goes on and on costs as much as an empty one."
    )


def price(rules: PublicRules) -> str:
    """Say who pays for what."""
    steps = ", ".join(f"{100 * step:g}" for step in rules.rules.gain_steps)
    return (
        "Every answer tells a little of the sealed half, and later questions may build on it; so each is paid for. A "
        "question is asked at a level divided by the number of ways in which answers could have come before it: a "
        "rejection costs what it takes up of the submissions, an acceptance much more, as it tells its gain (rounded "
        f"down to {steps} points) and the repairs of the list. Everybody pays: ask what the development half supports."
    )


def halves(rules: PublicRules) -> str:
    """Say who is in which half."""
    ours, theirs = rules.development, rules.holdout
    left = rules.left_out.n_without_speaker + rules.left_out.n_withdrawn
    who, verb = how_many(left, "utterance"), "is" if left == 1 else "are"
    told = f"; {who} of people without an id or who withdrew {verb} in neither" if left else ""
    return (
        f"{ours.n_speakers:,} people are published ({ours.n_utterances:,} utterances, {ours.n_words:,} words) and "
        f"{theirs.n_speakers:,} sealed ({theirs.n_utterances:,} and {theirs.n_words:,}), divided by chance alone{told}."
    )


def sealed(rules: PublicRules) -> str:
    """Say what is public, and what is not."""
    who = (
        "Which utterances are in the other half is known to whoever has both lists of ids, as transcripts are asked of "
        "all. Sealed"
        if rules.hypotheses
        else "Sealed until the end: who is in the other half; sealed for good"
    )
    return (
        "Public: the rules, the development half with codes in the place of people's ids, the list, the ledger and "
        f"every answer. {who}: its references and counts, and what each answer rests on, so that groups of fewer "
        "people than are judged are not told from empty ones. The ledger's first line commits to the sealed files; "
        "that chance alone divided the people is the owner's word."
    )


def column(each: DeclaredColumn) -> str:
    """Say what a column is."""
    return f"{each.describes}, {each.provenance.replace('_', '-')}"


def level(number: float) -> str:
    """Say how strict a level is.

    >>> level(0.0001)
    'one-sided level 0.0001 (1 in 10,000)'
    """
    return f"one-sided level {figure(number)} (1 in {1 / number:,.0f})" if number > 0 else "no level: nothing is asked"


def gain(step: float | None) -> str:
    """Say what is told of a gain.

    >>> gain(0.005), gain(None)
    ('at least 0.5 points', '')
    """
    return "" if step is None else f"at least {100 * step:g} points"
