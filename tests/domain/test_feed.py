"""Catalogs of others become entries, and our entries speak DCAT and ODRL (articles 1, 5 and 9)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpushub.base.errors import Invalid
from corpushub.domain.catalog import Resource
from corpushub.domain.feed import Into, dcat_of, feed_of, harvested, offer_of, rows_of, slug
from corpushub.domain.policy import Terms
from tests.kit.gov import an_entry

INTO = Into("stats-bureau", "990100", "harvested")
CKAN = {
    "success": True,
    "result": {
        "count": 2,
        "results": [
            {
                "name": "river-levels",
                "title": "河道水位",
                "notes": "每日水位",
                "license_id": "cc-by",
                "groups": [{"name": "water"}],
                "resources": [{"format": "CSV"}, {"format": "JSON"}],
                "frequency": "daily",
            },
            {"name": "bridges", "title": "Bridges", "tags": [{"name": "roads"}], "resources": []},
        ],
    },
}
DCAT = {
    "@graph": [
        {
            "@id": "https://x.example/dataset/parks",
            "@type": "dcat:Dataset",
            "dct:title": [{"@language": "zh", "@value": "公园"}, {"@language": "en", "@value": "Parks"}],
            "dct:description": "All parks",
            "dcat:theme": {"@id": "http://themes/ENVI"},
            "dct:accrualPeriodicity": "http://freq/ANNUAL",
        },
        {"@id": "https://x.example/org", "@type": "foaf:Agent", "dct:title": "nobody's dataset"},
    ]
}
DATA_JSON = {
    "conformsTo": "https://project-open-data.cio.gov/v1.1/schema",
    "dataset": [{"identifier": "https://x.example/id/budget", "title": "Budget", "description": "d", "keyword": ["money"]}],
}


def test_ckan_packages_become_entries_that_parse() -> None:
    one, other = harvested(CKAN, INTO)
    assert (one["id"], one["title"]["zh"], one["format"], one["domain"], one["frequency"]) == (
        "990100/harvested/river-levels",
        "河道水位",
        "CSV, JSON",
        "water",
        "daily",
    )
    assert (other["domain"], other["frequency"]) == ("roads", "irregular")
    assert [Resource.from_json(row).id for row in (one, other)] == ["990100/harvested/river-levels", "990100/harvested/bridges"]


def test_dcat_and_data_json_too_and_only_their_datasets() -> None:
    (parks,) = harvested(DCAT, INTO)
    assert (parks["id"], parks["title"], parks["domain"], parks["frequency"]) == (
        "990100/harvested/parks",
        {"zh": "公园", "en": "Parks"},
        "ENVI",
        "yearly",
    )
    (budget,) = harvested(DATA_JSON, INTO)
    assert (budget["id"], budget["domain"]) == ("990100/harvested/budget", "money")


@pytest.mark.parametrize("junk", [None, 3, "text", {}, [], {"result": {}}, {"results": "x"}])
def test_what_is_no_catalog_is_told_so(junk: Any) -> None:
    with pytest.raises(Invalid, match=r"harvest\.unknown_form"):
        harvested(junk, INTO)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=8) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(("result", "results", "dataset", "title", "name", "tags", "resources", "@type", "@graph")),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_document_breaks_the_reader(document: Any) -> None:
    try:
        rows = harvested(document, INTO)
    except Invalid:
        return
    assert all(row["owner"] == "stats-bureau" for row in rows)


@given(st.text(max_size=60))
def test_any_name_gives_part_of_an_id(name: str) -> None:
    made = slug(name)
    assert Resource.from_json(an_entry(id=f"990100/x/{made}")).id.endswith(made)


def test_our_own_feed_reads_back_as_a_catalog() -> None:
    entry = Resource.from_json(an_entry(licence="bj-open", frequency="daily"))
    (row,) = harvested(feed_of([entry], "https://hub.example", "2026-03-02"), INTO)
    assert (row["title"], row["summary"], row["domain"], row["frequency"]) == (entry.title, entry.summary, entry.domain, "daily")


def test_the_feed_follows_the_attribute_of_the_day() -> None:
    """Article 5: a change of the open attribute shows in the feed from its day on."""
    entry = Resource.from_json(
        an_entry(
            attributes=[
                {"name": "open_attribute", "value": "conditional", "effective_from": ""},
                {"name": "open_attribute", "value": "none", "effective_from": "2026-04-01"},
            ]
        )
    )
    before, after = (dcat_of(entry, "https://hub.example", day) for day in ("2026-03-31", "2026-04-01"))
    assert {name for name in before | after if before.get(name) != after.get(name)} == {"dct:accessRights", "odrl:hasPolicy"}
    assert [rows_of([entry], day)[0]["open_attribute"] for day in ("2026-03-31", "2026-04-01")] == ["conditional", "none"]


def test_an_offer_permits_what_its_terms_name_and_is_known_by_them() -> None:
    terms = Terms(("r",), ("research",), ("file",), valid_to="2026-12-31", max_rows=5)
    offer = offer_of("city/notices", terms)
    operands = {limit["odrl:leftOperand"]["@id"] for limit in offer["odrl:permission"][0]["odrl:constraint"]}
    assert operands == {"odrl:purpose", "odrl:deliveryChannel", "odrl:dateTime", "odrl:count"}
    assert offer["@id"] == offer_of("city/notices", terms)["@id"] != offer_of("city/notices", Terms(("r",), ("contest",)))["@id"]
