"""What a closed bounty left in, `bounty.html` out: what was found, what it did for whom, and what it does not say."""

import pandas as pd

from harness.fairness import membership
from harness.report import charts
from harness.report.bounties import words
from harness.report.bounties.seen import EVERYBODY, Seen, rows_of
from harness.report.html.parts import Drawing, Facts, Listing, Part, Section, Words, table, typeset
from harness.report.pages import page
from harness.report.wording import how_many, percent, plain, points
from harness.results.bounties.folder import LEDGER, ROUNDS
from harness.results.bounties.standing import Verdict

LENGTH_OF_A_DAY = len("2026-01-31")


def render_page(seen: Seen) -> str:
    """Return the page as one HTML file; no person, id or text of the corpus is in it."""
    found = [_groups(seen), _rounds(seen), _answers(seen), _meaning(seen), _made(seen)]
    closed = seen.standing.closed
    day = "" if closed is None else str(closed.at)[:LENGTH_OF_A_DAY]
    return page(
        "sections",
        title=plain(seen.rules.name),
        description=_lede(seen),
        charts={part.name: part.spec for each in found for part in each.parts if isinstance(part, Drawing)},
        sections=[(each.id, each.short) for each in found],
        parts=found,
        kicker="What outsiders showed" + ("" if closed is None else f", closed {day}"),
        lede=_lede(seen),
        headline=_headline(seen),
        typeset=typeset,
    )


def _lede(seen: Seen) -> str:
    n, overall = len(seen.accepted), seen.overall
    if overall is None:
        return (
            f"Nothing was accepted of {how_many(len(seen.standing.answered), 'answered submission')} on "
            f"{seen.rules.base}. That is no evidence that it serves everybody alike."
        )
    group = "group" if n == 1 else "groups"
    return (
        f"Outsiders showed {n:,} {group} whom {seen.rules.base} serves worse than another system does; the chance that "
        f"a bounty shows any that is not so is at most {percent(seen.rules.rules.alpha)}. Served so, everybody's "
        f"clipped WER on the sealed half went from {percent(overall[0])} to {percent(overall[1])}, and no accepted "
        "group got worse."
    )


def _headline(seen: Seen) -> list[tuple[str, str, str]]:
    rules, standing = seen.rules, seen.standing
    answered = f"of {rules.rules.n_submissions:,} declared"
    rejected = (
        f"{seen.counted(Verdict.rejected):,} rejected, {seen.counted(Verdict.could_not_be_run):,} could not be run"
    )
    found = [
        ("answered", f"{len(standing.answered):,}", answered),
        ("accepted", f"{standing.n_accepted:,}", rejected),
        ("sealed", f"{rules.holdout.n_speakers:,} people", f"{rules.holdout.n_words:,} words"),
    ]
    if (overall := seen.overall) is not None:
        found.append(("clipped WER", percent(overall[1]), f"{points(overall[1] - overall[0])} points since the start"))
    return found


def _groups(seen: Seen) -> Section:
    rows = [
        (
            each.round,
            plain(each.predicate),
            plain(each.alternative),
            words.gain(each.gain),
            (percent(each.share), each.share),
            (percent(each.before), each.before),
            (percent(each.after), each.after),
        )
        for each in seen.groups
    ]
    headers = ("round", "group", "served better by", "gain told", "of words", "WER before", "WER at the end")
    caption = (
        "Accepted groups: clipped WER on the sealed half before their round and at the end. The same people chose the "
        "groups, so that others will gain somewhat less; that they gain is what was shown."
    )
    parts: list[Part] = [Words("None was accepted.")]
    if rows:
        parts = [*_drawn(seen), table("accepted", headers, rows, caption=caption, file=ROUNDS)]
    asked = {name for submitted, _ in seen.accepted for name in _columns(seen, submitted.predicate)}
    told = [(each.name, words.column(each)) for each in seen.rules.columns if each.name in asked]
    return Section(
        "groups",
        "Who was served worse, and is served better",
        "Groups",
        [*parts, Words(words.EVALUATION_ONLY), *([Facts(told)] if told else [])],
    )


def _drawn(seen: Seen) -> list[Part]:
    """Return the chart of the accepted groups and of everybody; none where no WER is known."""
    told = [("accepted", f"{each.round}: {plain(each.predicate)}", each.before, each.after) for each in seen.groups]
    if seen.overall is not None:
        told = [(membership.OVERALL, membership.EVERYBODY, *seen.overall), *told]
    known = pd.DataFrame(told, columns=["dimension", "slice", "before", "after"]).dropna()
    if known["dimension"].eq(membership.OVERALL).all():
        return []
    spec = charts.spec(charts.served_better(known))
    caption = "Clipped WER on the sealed half, by round. Ring: before it; dot: at the end."
    return [Drawing("served", spec, caption, "accepted")]


def _columns(seen: Seen, text: str) -> frozenset[str]:
    return next((group.columns for group in seen.decisions.groups if group.text == text), frozenset())


def _rounds(seen: Seen) -> Section:
    rows = [
        (
            int(row["round"]),
            plain(row["group"]),
            plain(row["system"]),
            (percent(row["share"]), row["share"]),
            (percent(row["wer_before"]), row["wer_before"]),
            (percent(row["wer_after"]), row["wer_after"]),
            "repaired" if row["repaired"] else "",
        )
        for row in rows_of(seen.rounds)
    ]
    headers = ("round", "group", "system", "of words", "WER before", "WER after", "")
    told = (
        f"After every round, {EVERYBODY} and each group accepted until then. Where a new pair would have made an "
        "earlier group worse, that group was pointed back to the list that served it best."
    )
    parts = [table("rounds", headers, rows, caption=told, file=ROUNDS)] if rows else [Words("There was no round.")]
    return Section("rounds", "Round by round", "Rounds", parts)


def _answers(seen: Seen) -> Section:
    of = {each.n: each for each in seen.standing.answered}
    rows = [
        (
            each.n,
            plain(each.predicate),
            plain(each.alternative),
            of[each.n].verdict.value.replace("_", " ") if each.n in of else "not answered",
            words.gain(of[each.n].gain) if each.n in of else "",
        )
        for each in seen.standing.submitted
    ]
    headers = ("no.", "group", "alternative", "answer", "gain told")
    parts = (
        [table("answers", headers, rows, caption="Every submission in the order of the ledger.", file=LEDGER)]
        if rows
        else [Words("Nothing was handed in.")]
    )
    return Section("answers", "What was asked", "Submissions", [*parts, Words(words.REJECTED)])


def _meaning(seen: Seen) -> Section:
    told = [
        words.ACCEPTED,
        words.REJECTED,
        words.assumed(seen.rules),
        words.price(seen.rules),
        words.sealed(seen.rules),
    ]
    return Section("meaning", "What an answer means", "Meaning", [Words(words.promise(seen.rules)), Listing(told)])


def _made(seen: Seen) -> Section:
    rules, standing = seen.rules, seen.standing
    closed = standing.closed
    pairs: list[tuple[str, object]] = [
        ("opened", standing.at),
        ("closed", "" if closed is None else closed.at),
        ("to be improved", rules.base),
        ("on offer", ", ".join([*rules.systems, *(["transcripts"] if rules.hypotheses else []), *rules.backends])),
        ("halves", words.halves(rules)),
        ("commitment", standing.commitment),
        ("salt", "" if closed is None else closed.salt),
        ("last line of the ledger", standing.last),
    ]
    told = "harness bounty verify bounty=FOLDER checks the chain"
    if standing.forgot is None:
        told += ", and with the sealed files computes every answer again."
    else:
        pairs.append(("rows of people removed", standing.forgot.at))
        told += f". {words.forgot(standing.forgot.line, standing.forgot.at)}"
    return Section("made", "How this was made", "Made", [Facts(pairs), Words(told)])
