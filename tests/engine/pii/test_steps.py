"""The scrub step as the engine calls it."""

from __future__ import annotations

import polars as pl
import pytest

from corpushub.base.errors import Invalid
from corpushub.engine.pii.steps import STEPS, Scrub, entity_facts
from corpushub.engine.step import Mapped, Scope

TEXT = "市民谢瑜（手机：13912345678）来电，谢瑜另留邮箱xy@example.org.cn。监督电话：010-62345678。"
FRAME = pl.DataFrame({"id": [1, 2, 3], "text": [TEXT, None, "没有个人信息的一行。"], "护照": ["E12345678", None, "无"]})


def planned(frame: pl.DataFrame = FRAME, secret: bytes = b"", **params: object) -> Mapped:
    step = STEPS[0]
    answer = step.apply(
        Scrub(**{"columns": ["text", "护照"], **params}), Scope(schema=frame.schema, dataset="a/b", secret=secret)
    )
    assert isinstance(answer, Mapped)
    return answer


def carried_out(answer: Mapped, frame: pl.DataFrame = FRAME) -> pl.DataFrame:
    assert answer.kernel is not None
    return answer.kernel(frame)


def facts(answer: Mapped, frame: pl.DataFrame) -> dict[str, tuple[int, int, int, int]]:
    sums = frame.select(**answer.measures).row(0, named=True)
    return {fact.entity: (fact.found, fact.replaced, fact.kept, fact.residual) for fact in entity_facts(sums, {})}


def test_placeholders_name_the_kind_and_number_people() -> None:
    out = carried_out(planned())
    assert out["text"][0] == "市民〔姓名1〕（手机：〔手机号〕）来电，〔姓名1〕另留邮箱〔电子邮箱〕。监督电话：010-62345678。"


def test_a_column_name_is_the_label_of_its_short_cells() -> None:
    assert carried_out(planned())["护照"].to_list() == ["〔护照号〕", None, "无"]


def test_counts_tell_found_replaced_kept_and_residual() -> None:
    answer = planned()
    counts = facts(answer, carried_out(answer))
    assert counts["PERSON"] == (2, 2, 0, 0)
    assert counts["CN_LANDLINE"] == (1, 0, 1, 0)
    assert carried_out(answer).select(**answer.measures)["secrets_residual"].item() == 0


def test_scrubbing_twice_changes_nothing_more() -> None:
    answer = planned()
    once = carried_out(answer)
    twice = carried_out(answer, once.with_columns(id=pl.lit(1)))
    assert twice["text"].equals(once["text"])


def test_an_empty_batch_has_the_schema_of_a_full_one() -> None:
    answer = planned(spans="pii_spans")
    assert carried_out(answer, FRAME.head(0)).schema == carried_out(answer).schema


def test_spans_hold_no_values() -> None:
    spans = carried_out(planned(spans="pii_spans"))["pii_spans"].to_list()
    assert {span["entity"] for span in spans[0]} >= {"PERSON", "CN_MOBILE"}
    assert "13912345678" not in str(spans)


def test_pseudonyms_need_a_key() -> None:
    with pytest.raises(Invalid, match=r"pii\.no_key"):
        planned(policy="authorised")


def test_pseudonyms_are_stable_under_one_key_and_differ_under_another() -> None:
    one, same, other = (carried_out(planned(policy="authorised", secret=key * 16))["text"][0] for key in (b"a", b"a", b"b"))
    assert one == same != other
    assert "13912345678" not in one


def test_no_policy_keeps_a_credential() -> None:
    with pytest.raises(Invalid, match=r"pii\.secrets_stay"):
        planned(actions={"SECRET": "keep"})
