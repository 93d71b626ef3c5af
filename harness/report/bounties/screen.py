"""What a command of a bounty did in, its words and tables on screen out."""

from collections.abc import Sequence
from typing import IO

from rich.console import Console

from harness.predicates import PredicateError, parse
from harness.report.bounties import words
from harness.report.bounties.answers import (
    BountyAnswer,
    ClosedBounty,
    Opened,
    Previewed,
    Routed,
    Status,
    Taken,
    Verified,
)
from harness.report.bounties.seen import EVERYBODY, rows_of
from harness.report.grids import Column, console_on, grid
from harness.report.sentences import say
from harness.report.wording import how_many, percent, plain, points
from harness.results.bounties.folder import HOW_TO, PUBLIC, SEALED
from harness.results.bounties.rules import PublicRules

MAX_ROWS = 40
_NOT_YET = "waits"


def show_bounty(answer: BountyAnswer, out: IO[str]) -> None:
    """Print what a command of a bounty did."""
    console = console_on(out)
    match answer:
        case Opened():
            _opened(console, answer)
        case Taken():
            _taken(console, answer)
        case Status():
            _status(console, answer)
        case ClosedBounty():
            _closed(console, answer)
        case Verified():
            _verified(console, answer)
        case Previewed():
            _previewed(console, answer)
        case Routed():
            _routed(console, answer)


def _opened(console: Console, opened: Opened) -> None:
    rules = opened.rules
    columns = [Column("column", is_name=True), Column("what it is", is_word=True), Column("values")]
    rows = [
        (plain(each.name), words.column(each), f"{len(each.values):,}" if each.values else each.kind)
        for each in rules.columns
    ]
    console.print(grid(f"What groups of {plain(rules.name)} may be made of", columns, rows, width=console.width))
    say(console, words.halves(rules))
    say(console, words.promise(rules))
    taken = [*rules.systems, *(["transcripts"] if rules.hypotheses else []), *rules.backends]
    say(console, plain(f"To be improved: {rules.base}. On offer: {', '.join(taken)}."))
    for note in opened.notes:
        say(console, plain(f"Note: {note}"))
    say(console, f"Committed to the sealed half: {rules.commitment}")
    say(
        console,
        plain(
            f"For hunters: {opened.path / PUBLIC} ({HOW_TO} says how). Keep {opened.path / SEALED} to yourself; the "
            "rest is what verifies."
        ),
    )


def _taken(console: Console, taken: Taken) -> None:
    told = taken.submitted
    say(console, plain(f"Submission {told.n}: {told.predicate} → {told.alternative}"))
    say(console, f"{taken.n_left:,} more may be handed in.")
    say(console, f"Receipt: {taken.receipt}")
    say(
        console,
        plain(
            "Kept, it shows later that this line is in the ledger: "
            f"harness bounty verify bounty={taken.path} receipt={taken.receipt}"
        ),
    )


def _status(console: Console, status: Status) -> None:
    _answers(console, status)
    standing, rules = status.standing, status.rules
    say(
        console,
        f"{len(standing.submitted):,} of {how_many(rules.rules.n_submissions, 'submission')}, "
        f"{len(standing.pending):,} waiting; {standing.n_accepted:,} of "
        f"{how_many(rules.rules.n_acceptances, 'acceptance')}.",
    )
    for note in status.notes:
        say(console, plain(f"Note: {note}"))
    if status.over:
        say(console, f"Nothing is answered any more: {status.over}.")
    else:
        say(console, f"The next question is asked at {words.level(status.level)}.")
    say(console, words.REJECTED)
    say(console, f"Last line of the ledger: {standing.last}")


def _answers(console: Console, status: Status) -> None:
    standing = status.standing
    of = {each.n: each for each in status.answered or standing.answered}
    known = {each.n for each in standing.answered}
    shown = [each for each in standing.submitted if each.n in of or each.n not in known][-MAX_ROWS:]
    columns = [
        Column("no."),
        Column("group", is_name=True),
        Column("alternative", is_name=True),
        Column("answer", is_word=True),
        Column("gain", is_word=True),
    ]
    rows = [
        (
            str(each.n),
            plain(each.predicate),
            plain(each.alternative),
            _NOT_YET if each.n not in of else of[each.n].verdict.value.replace("_", " "),
            words.gain(of[each.n].gain) if each.n in of else "",
        )
        for each in shown
    ]
    if rows:
        console.print(grid("Submissions and their answers", columns, rows, width=console.width))
    _columns(console, [each.predicate for each in shown], status.rules)


def _columns(console: Console, predicates: Sequence[str], rules: PublicRules) -> None:
    """Say of every column that groups are made of what it is, and who says so."""
    asked = frozenset[str]().union(*(_asked(each, rules) for each in predicates))
    told = [f"{each.name} ({words.column(each)})" for each in rules.columns if each.name in asked]
    if told:
        say(console, plain(f"Columns: {'; '.join(told)}."))


def _asked(predicate: str, rules: PublicRules) -> frozenset[str]:
    """Return the columns that a group is made of: of one that cannot be read, any that there are."""
    try:
        return parse(predicate, rules.predicate_columns).columns
    except PredicateError:
        return frozenset(rules.predicate_columns)


def _closed(console: Console, closed: ClosedBounty) -> None:
    columns = [
        Column("round"),
        Column("group", is_name=True),
        Column("system", is_name=True),
        Column("of words"),
        Column("WER before"),
        Column("after"),
        Column("repaired", is_word=True),
    ]
    rows = [
        (
            str(row["round"]),
            plain(row["group"]),
            plain(row["system"]),
            percent(row["share"]),
            percent(row["wer_before"]),
            percent(row["wer_after"]),
            "yes" if row["repaired"] else "",
        )
        for row in rows_of(closed.rounds)
    ]
    if rows:
        console.print(grid("Clipped WER of every accepted group, round by round", columns, rows, width=console.width))
        _columns(console, [str(name) for name in closed.rounds["group"] if name != EVERYBODY], closed.rules)
    else:
        say(console, "Nothing was accepted. That is no evidence that nobody is served worse.")
    salt = "" if closed.standing.closed is None else closed.standing.closed.salt
    say(console, f"Salt of the commitment: {salt}")
    say(console, plain(f"Page: {closed.page}"))


def _verified(console: Console, verified: Verified) -> None:
    if verified.receipt is not None:
        say(console, f"The receipt is line {verified.receipt} of the ledger.")
    for problem in verified.problems:
        say(console, plain(problem))
    if verified.problems:
        n = len(verified.problems)
        say(console, plain(f"{verified.path} is NOT as it was written: {n} problem{'' if n == 1 else 's'}."))
        return
    chain = how_many(verified.n_lines, "line of the ledger is whole", "lines of the ledger vouch for one another")
    told = "files and answers are" if verified.forgot is None else "what is left of its files is"
    say(console, f"{chain}; {told} as {'it says' if verified.n_lines == 1 else 'they say'}.")
    if verified.forgot is not None:
        say(console, words.forgot(verified.forgot.line, verified.forgot.at))
    elif verified.commitment is None:
        say(console, "The sealed half is not here, or its salt is secret still: answers were not computed again.")
    else:
        say(
            console,
            "The sealed half is the one committed to; "
            f"{how_many(verified.n_answers or 0, 'answer computed again agrees', 'answers computed again agree')}.",
        )


def _previewed(console: Console, previewed: Previewed) -> None:
    say(console, plain(f"{previewed.predicate} → {previewed.system}"))
    if previewed.judgement is None:
        say(console, plain(f"Not judged on the published half: {previewed.not_judged}."))
    else:
        for sentence in _preview_sentences(previewed):
            say(console, sentence)
    for name, provenance in previewed.evaluation_only:
        told = provenance.replace("_", "-")
        say(console, plain(f"{name} is {told}: for evaluation, and no ground to route anybody by."))
    if previewed.over:
        say(console, f"Nothing is answered any more: {previewed.over}.")


def _preview_sentences(previewed: Previewed) -> list[str]:
    found, rules = previewed.judgement, previewed.rules
    if found is None:
        return []
    verdict = "it would be accepted" if found.would_be_accepted else f"it would be rejected ({found.reason})"
    return [
        f"On the published half: {how_many(found.n_speakers, 'speaker')}, "
        f"{how_many(found.n_words, 'word')} ({percent(found.share)}); "
        f"clipped WER {percent(found.own_wer)} with the list, {percent(found.other_wer)} with the alternative.",
        f"That gains {points(found.gain)} points of all words, at least {points(found.gain_low)} by the lower bound; "
        f"random signs do as well with probability {found.p_value:.2g}.",
        f"The holdout asks for {words.level(previewed.level)}, {100 * rules.rules.min_gain:g} points and "
        f"{rules.rules.min_speakers} speakers. By this half {verdict}; the sealed one has other people.",
    ]


def _routed(console: Console, routed: Routed) -> None:
    say(console, plain(f"Router of {', '.join(routed.systems)} by {', '.join(routed.columns)}: {routed.path}"))
    folder = routed.path.parent.parent
    say(console, plain(f"harness benchmark --config-dir {folder} backend={routed.path.stem} manifest.path=FILE"))
