"""Every format has a reader that refuses what it is not, and a datasheet that says what readers of numbers need."""

import pytest

from harness.corpus.importers import FORMATS, ImportFormat, ImportOptions, Ledger, reader
from harness.corpus.importers.datasheets import FOLDER, datasheet, open_datasheet
from harness.errors import DataError, UsageError

# formats whose files say nothing of licence or of who speaks: whoever imports them brings the datasheet
OPEN = frozenset({"hf_dataset", "kaldi", "lhotse", "lhotse_recipe", "nemo", "parquet", "stm"})
CORPORA = sorted(set(FORMATS) - OPEN)
SHEETS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def test_the_formats_are_those_of_the_command_and_their_options_are_real():
    assert set(FORMATS) == {each.name for each in ImportFormat}
    for each in FORMATS.values():
        assert each.what
        assert set(each.options) <= set(vars(ImportOptions()))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_empty_folder_is_no_such_source_and_the_message_says_what_is(name, tmp_path):
    options = ImportOptions(recipe="librispeech") if name == "lhotse_recipe" else ImportOptions()
    with pytest.raises((UsageError, DataError)) as caught:
        list(reader(name)(tmp_path, options, Ledger()).records)
    assert len(str(caught.value)) > 40


@pytest.mark.parametrize("name", CORPORA)
def test_a_corpus_has_a_datasheet_with_licence_citation_caveats_and_described_attributes(name):
    sheet = datasheet(name)
    assert sheet.license
    assert sheet.citation
    assert sheet.homepage.startswith(("https://", "http://"))
    assert sheet.description
    assert sheet.caveats
    assert all(caveat.endswith(".") for caveat in sheet.caveats)
    assert sheet.attributes
    assert all(attribute.description for attribute in sheet.attributes)


@pytest.mark.parametrize("name", SHEETS)
def test_a_datasheet_that_comes_with_the_harness_reads_and_says_of_what_it_is(name):
    sheet = datasheet(name)
    assert sheet.declared
    assert sheet.license


@pytest.mark.parametrize("name", sorted(OPEN))
def test_a_format_without_a_corpus_of_its_own_declares_no_attribute(name):
    sheet = open_datasheet(name)
    assert not sheet.attributes
    assert not sheet.declared


def test_an_unknown_format_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean common_voice"):
        reader("commonvoice")
    with pytest.raises(UsageError, match="expected one of afrispeech"):
        reader("../x")
