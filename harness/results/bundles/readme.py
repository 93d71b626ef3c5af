"""What is in a bundle in, its README out: what it holds, how it is checked, what that shows and what it does not."""

from collections.abc import Mapping, Sequence

from harness.corpus.datasheet import DATASHEET_FILE
from harness.results.bundles.contents import (
    ABOUT,
    BESIDE,
    BESIDE_FACTS,
    CONFIGURED,
    GIVEN,
    HEARD,
    MANIFEST,
    README,
    SPELLINGS_FILE,
    TABLES_FOLDER,
    TERMS_FILE,
    VERSIONS,
)
from harness.results.run import FACTS, SUMMARY

_WHAT = {
    HEARD: "what the recogniser returned for every utterance and condition, as it was heard",
    MANIFEST: "references, speakers, languages and attributes, one line an utterance, as they were used",
    DATASHEET_FILE: "what the corpus is and what its attributes mean",
    CONFIGURED: "the configuration that decides a number: normaliser, policy, slices, seed",
    FACTS: "versions, policy, normaliser, backend and counts of the run",
    VERSIONS: "the versions it was made with, as constraints for pip",
    SPELLINGS_FILE: "the table of spellings that was read before normalising",
    TERMS_FILE: "the words that matter",
    BESIDE: "the gaps of another run, which this one's are placed beside",
    BESIDE_FACTS: "what that run was measured on",
    f"{TABLES_FOLDER}/{SUMMARY}": "the claim: the headline",
    f"{TABLES_FOLDER}/{GIVEN}": "what each condition is a level of; it is told, and not checked",
}
_TABLE = "the claim: a table, which is computed again"
_TEXT = """\
# The evidence of a published claim

A run of a speech recogniser on {n} utterances, with what somebody else needs to score and test it again. Nothing of it
is run as code.

## How to check it

    harness reproduce THIS_FILE.tar{more}

with the harness installed (`{versions}`: in the versions that the claim was made with; `pip install -c {versions}`).
This scores the hypotheses again with the recorded configuration, makes every table anew, and compares them cell by
cell. It ends with 0 where they are the same, with 3 where a cell differs (each is named), with 1 where it could not be
done. To know that this is the bundle that was published, compare its SHA-256, which the command prints.

## What it holds

{files}

`{about}` has the size and SHA-256 of each.

- References and attributes are **{references}**: {why}. {licence}
- {ids}
- {small}
- People who withdrew their consent are in no line.
- Left out: recordings; paths and the machine; why single clips failed; the speed of the recogniser; examples of single
  utterances.

## What it shows, and what it does not

That the numbers follow from these hypotheses{and_references} under these rules. It does not show that the recogniser
returned them: for that, somebody has to hear the recordings again. The notes of the headline, and what the conditions
did to the audio, are told by who made the bundle.

Hypotheses of a good recogniser are nearly the references. Where those may not be passed on, ask whether these may.
"""


def readme(about: Mapping[str, object], files: Sequence[str], *, licence: str, why: str, small: str) -> str:
    """Return the README of a bundle.

    Args:
        about: What bundle.json says.
        files: Names of the files, README and bundle.json apart.
        licence: Of the corpus; empty when not stated.
        why: Why references are in it or not.
        small: How many rows are of few people, in words.
    """
    is_included = about["references"] == "included"
    licensed = f"The corpus is under {licence}; who passes them on keeps to it." if licence else ""
    return _TEXT.format(
        n=f"{about['n_utterances']:,}",
        more="" if is_included else " manifest.path=YOUR_COPY_OF_THE_CORPUS",
        files="\n".join(f"- `{name}`: {_WHAT.get(name, _TABLE)}" for name in sorted(files) if name != README),
        about=ABOUT,
        versions=VERSIONS,
        references=about["references"],
        why=why,
        licence=licensed if is_included else "Whoever has the corpus can check the claim: its rows are told by digest.",
        ids=_IDS[str(about["ids"])],
        small=small,
        and_references=" and references" if is_included else ", with the references of whoever has the corpus,",
    )


_IDS = {
    "coded": "Utterances and speakers have codes in the place of ids. That hides names, not people: who has the corpus "
    "can tell from the texts who is who.",
    "kept": "Utterances and speakers have the ids of the corpus.",
}
