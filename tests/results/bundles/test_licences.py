"""A licence that nobody knows lets nothing be passed on."""

import pytest

from harness.results.bundles.licences import lets_pass_on


@pytest.mark.parametrize(
    "licence",
    [
        "CC0-1.0",
        "cc0",
        "CC0 1.0",
        "CC-BY-4.0",
        "CC BY 4.0",
        "cc_by_sa_3.0",
        "CC-BY-SA-4.0",
        "Apache-2.0",
        "MIT",
        "MPL-2.0",
        "public domain",
        "ODbL-1.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "http://creativecommons.org/publicdomain/zero/1.0/",
        "https://creativecommons.org/licenses/by/4.0/deed.en",
    ],
)
def test_licences_that_let_anybody_pass_texts_on_are_known(licence):
    assert lets_pass_on(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        " ",
        "CC-BY-NC-4.0",
        "CC BY-NC",
        "cc-by-nd-4.0",
        "CC-BY-NC-SA-4.0",
        "cc-by-4.0-nc",
        "LDC",
        "proprietary",
        "see LICENSE",
        "CC0-1.0 OR proprietary",
        "not CC0",
        "https://creativecommons.org/licenses/by-nc/4.0/",
        "https://evil.example/creativecommons.org/licenses/by/4.0/",
        "GPL-3.0",
        "free for research",
        "MIT\nbut not you",
    ],
)
def test_all_others_are_for_the_owner_to_judge(licence):
    assert not lets_pass_on(licence)
