"""The summary of a description in, the sentences that page, report and screen begin with out."""

from harness.report.described.seen import Seen
from harness.report.wording import figure, percent, plain


def corpus_sentence(seen: Seen) -> str:
    """Say in one sentence who and how much is in the corpus."""
    summary = seen.summary
    who = _many(summary["n_speakers"], "person", "people") if summary["n_speakers"] else "nobody with an id"
    hours = f", {figure(summary['hours'])} hours" if summary["hours"] is not None else ""
    return (
        f"{_many(summary['n_utterances'], 'utterance', 'utterances')} of {who}{hours}, "
        f"{_many(summary['words'], 'word', 'words')}."
    )


def gaps_sentence(seen: Seen) -> str:
    """Say in one sentence which gaps it could show."""
    summary = seen.summary
    gap, power = f"{100 * summary['gap_asked']:g}", f"{100 * summary['power']:g}"
    asked = f"a gap of {gap} {'point' if gap == '1' else 'points'} with {power} % probability"
    if not summary["n_slices"]:
        return "No attribute has two declared values: it cannot show any gap."
    verb = "has" if summary["n_slices_enough"] == 1 else "have"
    return f"{summary['n_slices_enough']:,} of {summary['n_slices']:,} slices {verb} people enough to show {asked}."


def assumptions(seen: Seen) -> str:
    """Say what the plan assumes."""
    plan = seen.summary["plan"]
    tests = (
        f"One comparison at level {plan['level']:.2g}."
        if plan["n_comparisons"] == 1
        else f"{plan['n_comparisons']:,} comparisons ({plan['correction']}): p-values below {plan['level']:.2g}."
    )
    return (
        "People and words are those of the manifest; how well a recogniser does is assumed: a WER of "
        f"{percent(plan['wer'])} elsewhere, speakers that differ with a coefficient of variation of "
        f"{plan['speaker_cv']:.2f}, errors that come in bursts ({plan['dispersion']:.2f} times the variance of single "
        f"ones). {tests} Change them with plan.wer, plan.speaker_cv, plan.dispersion and plan.gap; harness plan "
        "run=RUN estimates them from a finished run."
    )


def uneven_sentence(seen: Seen) -> str:
    """Say how unevenly people share the words."""
    summary = seen.summary
    if summary["largest_share"] is None:
        return "No speaker has an id, or none said a word: nobody knows how evenly people share the words."
    if summary["n_speakers"] == 1:
        return "One person says everything that has a speaker id."
    return (
        f"Who says most says {percent(summary['largest_share'])} of the words, the tenth of people who say most "
        f"{percent(summary['top_tenth_share'])}. The corpus weighs like {figure(summary['effective_speakers'])} people "
        f"who say as many words each, of {summary['n_speakers']:,}."
    )


def notes_of(seen: Seen) -> list[str]:
    """Return what a reader must know of the corpus before believing a number."""
    return [plain(note) for note in seen.summary["notes"]]


def _many(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
