"""Speaker ids can be hidden and people can withdraw: hashes by hand, lists as people write them."""

import hashlib
import hmac

import pytest

from harness.corpus.people import SALT, Search, Withdrawn, hashed, hiding, list_text, read_withdrawn, salt_of
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


def listed(*speaker_ids: str) -> Withdrawn:
    return Withdrawn(frozenset(speaker_ids))


def test_a_person_is_found_by_their_id_or_by_its_hash_whichever_of_the_two_is_listed():
    people = listed("ann", hashed("bob", SECRET))
    assert Search(people, None).names("ann")
    assert Search(people, SECRET).names("bob")
    assert Search(people, SECRET).names(hashed("ann", SECRET))
    assert not Search(people, None).names("bob")
    assert not Search(people, SECRET).names("cid")


@pytest.mark.parametrize("salt", [None, SECRET], ids=["as-they-are", "hashed"])
@pytest.mark.parametrize(
    ("kept", "written"), [("Zo\u00eb", "Zoe\u0308"), ("Zoe\u0308", "Zo\u00eb")], ids=["NFD", "NFC"]
)
def test_an_id_is_the_same_however_its_letters_are_composed(kept, written, salt):
    assert Search(listed(written), salt).names(kept if salt is None else hashed(kept, salt))


@pytest.mark.parametrize(
    "slip",
    [
        pytest.param("ANN", id="capitals"),
        pytest.param('"Ann"', id="quotes"),
        pytest.param("An\u200bn", id="a-sign-that-nobody-sees"),
        pytest.param("\uff21\uff4e\uff4e", id="full-width"),
    ],
)
def test_a_slip_of_spelling_that_would_keep_somebody_in_is_named(slip):
    search = Search(listed(slip), None)
    assert not search.names("Ann")
    assert "'Ann' differs in capitals" in search.problems()[0]


def test_two_ids_that_differ_in_capitals_are_two_people_where_both_are_there():
    search = Search(listed("ann"), None)
    assert [search.names(each) for each in ("Ann", "ann")] == [False, True]
    assert not search.problems()


def test_people_who_are_nobody_here_are_counted():
    search = Search(listed("ann", "bob", "cid"), None)
    assert search.names("bob")
    assert search.n_absent == 2


def test_half_a_surrogate_pair_is_nobody_and_no_crash():
    assert not Search(listed("ann"), SECRET).names("\ud800")


def test_a_text_is_cleared_of_the_names_of_those_who_withdrew():
    hide = hiding(listed("p90", "p901", "a.b"))
    assert hide("txt/p901/p901_003.txt") == "txt/(withdrew)/(withdrew)_003.txt"
    assert hide("txt/p9010/axb") == "txt/p9010/axb"
    assert hiding(listed())("txt/p901") == "txt/p901"


@pytest.mark.parametrize("salt", [None, SECRET], ids=["as-they-are", "hashed"])
def test_a_list_that_is_written_reads_back_as_the_same_people(tmp_path, salt):
    people = listed("# ann", "bob", hashed("cid", SECRET))
    path = tmp_path / "withdrawn.txt"
    path.write_text(list_text(people, salt), encoding="utf-8")
    again = Search(read_withdrawn(path), SECRET)
    assert [again.names(each) for each in ("# ann", "bob", "cid", "dan")] == [True, True, True, False]
    assert ("bob" in path.read_text()) == (salt is None)


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
