"""A column's header in, what people of several languages mean by it out."""

import re
import unicodedata

AUDIO, TEXT, SPEAKER, LANGUAGE, UTTERANCE = "audio_filepath", "text", "speaker_id", "language", "utterance_id"
OFFSET, DURATION, END = "offset", "duration", "end"
MEANINGS = (AUDIO, TEXT, SPEAKER, LANGUAGE, UTTERANCE, OFFSET, DURATION, END)

# Names as `folded` leaves them: English, German, French, Spanish, Portuguese, Italian, Dutch, Swedish, Polish.
_NAMES = {
    AUDIO: """file filename filepath path audio audiofile audiofilename audiofilepath audiopath recording recordingfile
        recordingname clip clipname clipfile wav wavfile wavfilename sound soundfile media mediafile voicefile
        datei dateiname audiodatei tondatei aufnahme tonaufnahme aufzeichnung audiopfad pfad
        fichier nomdufichier nomfichier fichieraudio enregistrement archivo nombredelarchivo nombredearchivo
        archivodeaudio fichero grabacion arquivo nomedoarquivo gravacao ficheiro nomefile registrazione
        bestand bestandsnaam audiobestand geluidsbestand opname fil filnamn ljudfil inspelning plik nazwapliku nagranie
        """,
    TEXT: """text transcript transcription transcribedtext sentence reference referencetext referencetranscript
        transcripttext spokentext spokenwords whatwassaid whattheysaid whatissaid said saidtext verbatim
        words utterancetext wording transkript transkription transkripttext satz ausserung aeusserung wortlaut
        correctedtext gesagt wasgesagtwurde waswurdegesagt gesprochenertext gesprochen texte phrase cequiaetedit
        texteprononce texto transcripcion frase loquesedijo transcricao oquefoidito testo trascrizione
        cosaestatodetto tekst transcriptie zin watergezegdis watgezegdis transkribering mening zdanie transkrypcja
        """,
    SPEAKER: """speaker speakerid speakername speakernumber speakerno speakercode person personid personcode participant
        participantid participantcode talker talkerid user userid subject subjectid voice voiceid clientid
        sprecher sprecherin sprecherid sprechercode personennummer teilnehmer teilnehmerid teilnehmerin benutzer
        proband probandin probandenid locuteur locutrice idlocuteur personne participantnumber hablante
        idhablante locutor persona participante falante parlante idparlante partecipante spreker sprekerid
        deelnemer talare talarid deltagare mowca mowcaid osoba
        """,
    LANGUAGE: """language lang languagecode locale spokenlanguage sprache sprachcode langue idioma lengua lingua taal
        sprak jezyk
        """,
    UTTERANCE: "utteranceid uttid utterancenumber clipid recordingid audioid itemid",
    OFFSET: """offset start starttime begin begintime from startseconds starts offsets beginn anfang startzeit von debut
        inicio inizio begintijd
        """,
    DURATION: "duration durations length lengths seconds dauer lange laenge duree duracion duracao durata duur",
    END: "end endtime to stop stoptime ends endseconds ende endzeit bis fin fim fine eind",
}
# Who speaks where somebody works; meant only where no column is called by one of the names above.
_ROLES = """nurse doctor physician clinician patient caller agent operator employee staff staffmember customer client
    driver worker student pupil teacher resident caregiver pflegekraft pfleger pflegerin schwester arzt arztin aerztin
    mitarbeiter mitarbeiterin patientin anrufer anruferin kunde kundin infirmiere infirmier medecin employe
    enfermera enfermero medico empleado paciente enfermeira infermiera infermiere verpleegkundige arts
    medewerker sjukskoterska pielegniarka"""
_FILLERS = frozenset(
    (
        "id",
        "ids",
        "no",
        "nr",
        "num",
        "number",
        "nummer",
        "code",
        "name",
        "the",
        "a",
        "of",
        "s",
        "full",
        "original",
        "final",
    )
)

FOLDED_NAMES = {meaning: frozenset(names.split()) for meaning, names in _NAMES.items()}
FOLDED_ROLES = frozenset(_ROLES.split())

LANGUAGES = {  # what people write for a language, folded, and its BCP 47 tag
    "english": "en", "englisch": "en", "anglais": "en", "ingles": "en", "inglese": "en", "engels": "en",
    "german": "de", "deutsch": "de", "allemand": "de", "aleman": "de", "tedesco": "de", "duits": "de",
    "french": "fr", "francais": "fr", "franzosisch": "fr", "frances": "fr", "francese": "fr", "frans": "fr",
    "spanish": "es", "espanol": "es", "spanisch": "es", "espagnol": "es", "castellano": "es", "spaans": "es",
    "italian": "it", "italiano": "it", "italienisch": "it", "italien": "it",
    "portuguese": "pt", "portugues": "pt", "portugiesisch": "pt", "dutch": "nl", "nederlands": "nl",
    "niederlandisch": "nl", "polish": "pl", "polski": "pl", "polnisch": "pl", "turkish": "tr", "turkce": "tr",
    "turkisch": "tr", "russian": "ru", "russisch": "ru", "arabic": "ar", "arabisch": "ar", "hindi": "hi",
    "mandarin": "zh", "chinese": "zh", "japanese": "ja", "korean": "ko", "swedish": "sv", "svenska": "sv",
    "danish": "da", "dansk": "da", "norwegian": "no", "norsk": "no", "finnish": "fi", "suomi": "fi", "welsh": "cy",
    "cymraeg": "cy", "ukrainian": "uk", "romanian": "ro", "greek": "el", "czech": "cs", "hungarian": "hu",
}  # fmt: skip

_IN_BRACKETS = re.compile(r"[(\[{][^)\]}]*[)\]}]")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})


def folded(text: str) -> str:
    """Return letters and digits alone, small and without accents; what stands in brackets is left out.

    >>> folded("  File_Name (WAV)"), folded("Äußerung"), folded("Ce qui a été dit")
    ('filename', 'ausserung', 'cequiaetedit')
    """
    return "".join(words(text))


def words(text: str) -> list[str]:
    """Return the words of a header, folded.

    >>> words("speakerID no."), words("Transcript (checked)")
    (['speaker', 'id', 'no'], ['transcript'])
    """
    bare = _IN_BRACKETS.sub(" ", text)
    spaced = _HUMPS.sub(" ", bare if bare.strip() else text)
    plain = unicodedata.normalize("NFKD", spaced.casefold().translate(_LETTERS))
    letters = "".join(" " if not character.isalnum() else character for character in _without_marks(plain))
    return letters.split()


def names_of(header: str) -> dict[str, int]:
    """Return what a header can mean, each with how directly it says so: 1 outright, 2 with words around, 3 by a role.

    >>> names_of("Recording"), names_of("Original transcript"), names_of("Nurse ID"), names_of("Speaker age")
    ({'audio_filepath': 1}, {'text': 2}, {'speaker_id': 3}, {})
    """
    whole, parts = folded(header), words(header)
    direct = {meaning: 1 for meaning, names in FOLDED_NAMES.items() if whole in names}
    if direct:
        return direct
    core = [part for part in parts if part not in _FILLERS]
    if 1 <= len(core) < len(parts):
        joined = "".join(core)
        direct = {meaning: 2 for meaning in (AUDIO, TEXT, SPEAKER) if joined in FOLDED_NAMES[meaning]}
    if not direct and (whole in FOLDED_ROLES or (core and "".join(core) in FOLDED_ROLES)):
        return {SPEAKER: 3}
    return direct


def language_of(cell: str) -> str:
    """Return the BCP 47 tag of a language's name; other text as it is.

    >>> language_of("Französisch"), language_of("en_GB"), language_of("de")
    ('fr', 'en-GB', 'de')
    """
    return LANGUAGES.get(folded(cell), cell.replace("_", "-"))


def _without_marks(text: str) -> str:
    return "".join(character for character in text if not unicodedata.combining(character))
