"""People and addresses in English text; names, numbers and streets are invented."""

from __future__ import annotations

import pytest

from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.recognizers.english_text import addresses, people


def found(text: str, entity: str) -> list[str]:
    return [text[start:end] for start, end, kind in detect_batch([text])[0] if kind == entity]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The plaintiff, Rajesh Drummond, alleges that Mary A. Schmidt failed to pay.", ["Rajesh Drummond", "Mary A. Schmidt"]),
        ("Hi, I'm Siobhan Hughes and I lost my wallet.", ["Siobhan Hughes"]),
        ("The suspect Zdravko Blagojev was released.", ["Zdravko Blagojev"]),
        ("Minutes. Present: Ngozi Adichukwu (chair).", ["Ngozi Adichukwu"]),
        ("Applicant Zhang Wei and Xiaoling Zhou arrived.", ["Zhang Wei", "Xiaoling Zhou"]),
        ("Yuri Bulgakov's Cautionary Tales were read by Elena Haddad.", ["Elena Haddad"]),
        ('"They worked," says Velimir Jankovac in an update.', ["Velimir Jankovac"]),
        ("Darijo Čurin sent it to Tomi Pieviläinen.", ["Darijo Čurin", "Tomi Pieviläinen"]),
        ("Cormac Allanby\n12 High Street\nLeeds LS1 4DY", ["Cormac Allanby"]),
        ("港人James J. Hughes来函咨询。", ["James J. Hughes"]),
        ("Rajesh Nguyen called. Later that day Nguyen called again.", ["Rajesh Nguyen", "Nguyen"]),
    ],
)
def test_names_are_found_by_what_stands_in_and_around_them(text: str, names: list[str]) -> None:
    assert found(text, "PERSON") == names


@pytest.mark.parametrize(
    "text",
    [
        "The Ministry of Education and Goldman Sachs signed at the Great Hall of the People.",
        "The Lincoln Memorial, the Ford Motor Company and Baker Street were shown.",
        "FITNESS FOR A PARTICULAR PURPOSE. The LLVM C API is described in Section 4.",
        "Hong Kong and Travis CI: see JSON Schema, Spark SQL and Table 2.",
        "The office in São Paulo and the exhibition at Zürich Hauptbahnhof were closed.",
        "In 2019 Wall Street lost ground; version 12 was dropped.",
    ],
)
def test_offices_places_and_works_are_no_names(text: str) -> None:
    assert detect_batch([text]) == [[]]


@pytest.mark.parametrize(
    "address",
    [
        "27 Oak Hill Drive, Springfield, IL 62704",
        "785 Jefferson Rd., Apt 38, Austin, TX 78701",
        "50 High Street, Bristol BS1 5TR",
        "1089 5th Ave",
        "P.O. Box 287",
    ],
)
def test_addresses_are_found_to_the_postal_code(address: str) -> None:
    assert [one.rstrip(".") for one in found(f"He lives at {address}. Call him.", "ADDRESS")] == [address]


@pytest.mark.parametrize(
    "unit", ["Ab ", "A. ", "1 Ab St ", "12 Ab Ab Ab Ab ", "Mary Smith, ", "Ab de la ", "12 Oak St,\n", "Ab's ", " "]
)
def test_long_text_is_read_once(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert all(0 <= start < end <= len(text) for start, end, *_ in (*addresses(text), *people(text)))
