"""Speaker ids can be hidden and people can withdraw: hashes by hand, lists as people write them."""

import hashlib
import hmac

import pytest

from harness.corpus.people import SALT, Withdrawn, hashed, read_withdrawn, salt_of
from harness.errors import ManifestError, UsageError

SECRET = b"sixteen or longer"


def test_a_hash_is_the_hmac_of_the_id_and_another_salt_gives_another():
    assert hashed("ärger", SECRET) == hmac.new(SECRET, "ärger".encode(), hashlib.sha256).hexdigest()[:16]
    assert hashed("ärger", SECRET) != hashed("ärger", b"another long salt")


def test_the_salt_comes_from_the_environment_and_a_short_one_is_refused():
    assert salt_of({}) is None
    assert salt_of({SALT: ""}) is None
    assert salt_of({SALT: "sixteen or longer"}) == SECRET
    with pytest.raises(UsageError, match="has 5 characters; expected 16"):
        salt_of({SALT: "short"})


def test_a_person_is_listed_by_their_id_or_by_its_hash():
    listed = Withdrawn(frozenset({"ann", hashed("bob", SECRET)}))
    assert listed.names("ann", None)
    assert listed.names("bob", SECRET)
    assert not listed.names("bob", None)
    assert not listed.names("cid", SECRET)
    assert listed.with_hashes(SECRET).names(hashed("ann", SECRET), None)
    assert listed.with_hashes(None) is listed


def test_a_list_has_an_id_a_line_and_blank_lines_and_comments_say_nothing(tmp_path):
    path = tmp_path / "withdrawn.txt"
    path.write_bytes("\ufeff# since May\r\n\r\n ann \r\nبوب\n".encode())
    found = read_withdrawn(path)
    assert found.speaker_ids == {"ann", "بوب"}
    assert found.data == path.read_bytes()


def test_every_line_that_is_no_id_is_named(tmp_path):
    path = tmp_path / "withdrawn.txt"
    path.write_bytes(b"ann\na\x00b\nb\x1bc\n")
    with pytest.raises(ManifestError) as caught:
        read_withdrawn(path)
    assert [problem.split(": ")[0] for problem in caught.value.problems] == ["withdrawn.txt:2", "withdrawn.txt:3"]


def test_a_list_that_is_not_there_is_an_error_and_not_nobody(tmp_path):
    with pytest.raises(UsageError, match="no such list of people"):
        read_withdrawn(tmp_path / "absent.txt")
