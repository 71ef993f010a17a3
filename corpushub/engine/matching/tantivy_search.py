"""tantivy as the engine that picks candidates (extra `corpushub[search]`): constraints are clauses of its query, text is BM25 per field.

It indexes the same grams as the numpy engine, written as words, so both read a text alike; numpy scores what it picks, counts what
constraints keep out, and is its oracle. The setting `search_engine` asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from corpushub.engine.matching.demand import Demand
from corpushub.engine.matching.entries import CORE_RANK, FAR, Entry, Mask
from corpushub.engine.matching.index import FIELDS, Query, field_texts
from corpushub.engine.matching.rules import GRANULARITIES, matching_rules, region_range
from corpushub.engine.matching.text import grams

_ANY = "any"
_HEAP_BYTES = 128 << 20


class Tantivy:
    """An index in memory over entries, in their order."""

    name = "tantivy"

    def __init__(self, entries: Sequence[Entry]) -> None:
        import tantivy

        self.api = tantivy
        self.schema = schema(tantivy)
        self.index = tantivy.Index(self.schema)
        writer = self.index.writer(heap_size=_HEAP_BYTES, num_threads=1)
        texts = {field: words(held) for field, held in field_texts([entry.texts() for entry in entries]).items()}
        for row, entry in enumerate(entries):
            writer.add_document(
                tantivy.Document(row=row, **{field: [texts[field][row]] for field in FIELDS}, **clauses_of(entry))
            )
        writer.commit()
        self.index.reload()
        self.searcher = self.index.searcher()

    def pick(self, query: Query, demand: Demand, allowed: Mask, count: int) -> npt.NDArray[np.int64]:
        """Rows of the best `count` entries that satisfy the demand."""
        must, should, never = self.api.Occur.Must, self.api.Occur.Should, self.api.Occur.MustNot
        weights = matching_rules()["bm25"]
        terms = [
            (should, self.api.Query.boost_query(self.term(field, str(key)), float(weight) * weights[field]))
            for key, weight in zip(query.keys.tolist(), query.weights.tolist(), strict=True)
            for field in FIELDS
        ]
        if not terms:
            return np.empty(0, np.int64)
        parts = [(must, self.api.Query.boolean_query(terms)), *((must, self.quiet(part)) for part in self.constraints(demand))]
        parts += [(never, self.api.Query.regex_query(self.schema, "region", f"{stem_of(code)}.*")) for code in demand.apart]
        hits = self.searcher.search(self.api.Query.boolean_query(parts), limit=count, count=False).hits
        rows = [self.searcher.doc(address)["row"][0] for _, address in hits]
        return np.array([row for row in rows if allowed[row]], np.int64)

    def term(self, field: str, value: str) -> Any:
        return self.api.Query.term_query(self.schema, field, value)

    def quiet(self, query: Any) -> Any:
        """A clause that filters and adds nothing to the score."""
        return self.api.Query.const_score_query(query, 0.0)

    def one_of(self, field: str, values: Sequence[str]) -> Any:
        return self.api.Query.term_set_query(self.schema, field, list(values))

    def constraints(self, demand: Demand) -> list[Any]:
        """The same tests as `entries.CONSTRAINTS`, as clauses."""
        found = [self.term("servable", "yes")]
        if demand.purpose:
            found.append(self.one_of("purpose", [demand.purpose, _ANY]))
        if demand.granularity:
            found.append(self.one_of("level", [_ANY, *GRANULARITIES[GRANULARITIES.index(demand.granularity) :]]))
        if demand.delivery:
            found.append(self.one_of("delivery", [_ANY, *demand.delivery]))
        if demand.regions:
            found.append(self.one_of("region", sorted({stem for code in demand.regions for stem in stems_around(code)})))
        if demand.period:
            first, last = demand.period
            integer = self.api.FieldType.Integer
            found.append(self.api.Query.range_query(self.schema, "first", integer, None, last))
            found.append(self.api.Query.range_query(self.schema, "last", integer, first, None))
        return found


def schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", stored=True)
    for field in FIELDS:
        builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
    for field in ("servable", "purpose", "level", "delivery", "region"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    for field in ("first", "last"):
        builder.add_integer_field(field, indexed=True, fast=True)
    return builder.build()


def words(texts: Sequence[str]) -> list[str]:
    """The grams of each folded text as words."""
    found = grams(texts)
    edges = np.searchsorted(found.text, np.arange(len(texts) + 1)).tolist()
    keys = list(map(str, found.key.tolist()))
    return [" ".join(keys[low:high]) for low, high in pairwise(edges)]


def clauses_of(entry: Entry) -> dict[str, Any]:
    first, last = entry.months or (0, FAR)
    servable = entry.published and not entry.secrecy and entry.openness != "none" and entry.rank < CORE_RANK
    return {
        "servable": ["yes" if servable else "no"],
        "purpose": list(entry.purposes) or [_ANY],
        "level": [entry.granularity or _ANY],
        "delivery": list(entry.delivery) or [_ANY],
        "region": [stem_of(entry.region)],
        "first": first,
        "last": last,
    }


def stem_of(code: str) -> str:
    """A code without its empty levels; `all` for no code, which lies around everything."""
    low, high = region_range(code)
    return "all" if not code else str(low).zfill(12)[: 12 - (len(str(high - low)) - 1)]


def stems_around(code: str) -> list[str]:
    """The stems of a region and of everything it lies in."""
    stem = stem_of(code)
    return ["all", *(stem[:length] for length in range(2, len(stem) + 1))]
