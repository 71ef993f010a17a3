"""Stand-ins are consistent under a key, tell nothing, and are never somebody's."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.domain.parties import PROVINCES
from corpushub.engine.pii.actions import Desk, generalised, masked
from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.pii.policy import policy
from corpushub.engine.pii.pseudonyms import derive, key_id, pseudonym, pseudonyms, token
from corpushub.engine.pii.surrogates import surrogate
from corpushub.engine.pii.view import view

KEY = derive(b"a secret of at least sixteen bytes", "a/b", "1.0.0")


def test_one_value_has_one_pseudonym_whatever_its_spelling() -> None:
    spellings = ["13912345678", "139 1234 5678", "１３９１２３４５６７８", "139-1234\u200b-5678"]
    assert len({pseudonym(KEY, "CN_MOBILE", value) for value in spellings}) == 1


def test_pseudonyms_of_two_kinds_or_keys_do_not_meet() -> None:
    other = derive(b"a secret of at least sixteen bytes", "a/b", "1.0.1")
    made = {pseudonym(key, entity, "12345678901") for key in (KEY, other) for entity in ("CN_MOBILE", "CN_BANK_CARD")}
    assert len({item.split("-")[1] for item in made}) == 4
    assert key_id(KEY) != key_id(other)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(Invalid, match=r"pii\.no_key"):
        derive(b"short")


def test_a_column_is_keyed_once_per_distinct_value() -> None:
    column = pl.Series(["a", None, "b", "a"])
    made = pseudonyms(column, KEY, "PERSON").to_list()
    assert made[0] == made[3] != made[2]
    assert made[1] is None


@given(st.integers(3_000_000_000, 9_999_999_999))
def test_surrogates_are_no_numbers_of_their_kind(number: int) -> None:
    value = f"1{number}"
    mobile = surrogate("CN_MOBILE", value, KEY, token(KEY, "CN_MOBILE", value)) or ""
    assert len(mobile) == 11
    assert mobile[1] not in "3456789"
    card = surrogate("CN_ID_CARD", value, KEY, token(KEY, "CN_ID_CARD", value)) or ""
    assert len(card) == 18
    assert card[:2] not in PROVINCES


def test_surrogates_of_numbers_are_not_found_again() -> None:
    text = "手机{CN_MOBILE}，身份证{CN_ID_CARD}，邮箱{EMAIL_ADDRESS}，卡号{CN_BANK_CARD}"
    for number in range(40):
        made = {
            e: surrogate(e, str(number), KEY, token(KEY, e, str(number)))
            for e in ("CN_MOBILE", "CN_ID_CARD", "EMAIL_ADDRESS", "CN_BANK_CARD")
        }
        assert detect_batch([text.format(**made)])[0] == []


def test_a_person_keeps_one_number_in_a_document() -> None:
    desk = Desk(KEY)
    written = [desk.write("replace", "PERSON", name) for name in ("王伟", "李娜", "王伟")]
    assert written == ["〔姓名1〕", "〔姓名2〕", "〔姓名1〕"]


def test_coarser_values_stay_coarse() -> None:
    assert generalised("DATE_OF_BIRTH", "1985年3月2日") == "1985年"
    assert generalised("ADDRESS", "浙江省杭州市西湖区文一路1号") == "浙江省杭州市西湖区〔详细地址〕"
    assert generalised("GPS_COORDINATE", "116.397128,39.916527") == "116.39,39.91"
    assert masked("13912345678") == "139*****678"


def test_policies_know_every_action() -> None:
    for name in ("training", "natural", "public", "authorised", "internal"):
        assert policy(name).action("SECRET") == "replace"
    with pytest.raises(Invalid, match=r"pii\.unknown_policy"):
        policy("trainig")


@given(st.text(max_size=60))
def test_a_view_maps_every_span_back(text: str) -> None:
    seen = view(text)
    for start in range(0, len(seen.text), 5):
        begin, end = seen.span(start, min(start + 3, len(seen.text)))
        assert 0 <= begin < end <= len(text)
