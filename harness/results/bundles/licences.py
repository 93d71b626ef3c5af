"""The name of a licence in, whether it is known to let anybody pass a corpus's texts on out."""

import re

_SHARED_FREELY = (
    re.compile(  # SPDX identifiers, folded; none that forbids commerce or changes, which are for owners to judge
        r"""
    cc0(-1\.0)? | pddl(-1\.0)? | public-domain | unlicense
    | cc-by(-sa)?(-[1-4]\.[05])?
    | apache-2\.0 | mit(-0)? | mpl-2\.0 | bsd-[23]-clause
    | odc-by(-1\.0)? | odbl-1\.0 | cdla-(permissive|sharing)-[12]\.0
    """,
        re.VERBOSE,
    )
)
_BY_LINK = re.compile(
    r"https?://creativecommons\.org/(?:licenses/(by(?:-sa)?)/([1-4]\.[05])|publicdomain/zero/(1\.0))/?(?:deed\.\w+)?"
)


def lets_pass_on(licence: str) -> bool:
    """Say whether a licence is one of those that are known to let references and attributes be passed on.

    What is not known is not allowed: who owns a corpus knows what others may do, and says so.

    >>> [lets_pass_on(name) for name in ("CC0-1.0", "CC BY-SA 4.0", "CC-BY-NC-4.0", "CC BY-ND", "")]
    [True, True, False, False, False]
    """
    text = licence.strip().casefold()
    link = _BY_LINK.fullmatch(text)
    return link is not None or _SHARED_FREELY.fullmatch(re.sub(r"[\s_]+", "-", text)) is not None
