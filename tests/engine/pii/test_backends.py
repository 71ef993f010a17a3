"""Other models of names enter through the same registry, from disk only."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
import spacy
from spacy.training import Example
from thinc.api import fix_random_seed

from corpushub.base.errors import Invalid, Unavailable
from corpushub.engine.pii.analyzer import LANGUAGE, build_engine
from corpushub.engine.pii.backends import LIBRARIES
from corpushub.engine.pii.scan import BatchAnalyzer

TEXT = "请阿凡提到南门取件，手机13912345678。"


def test_a_tiny_spacy_model_takes_the_place_of_the_tagger(tmp_path: Path) -> None:
    pipeline = spacy.blank("zh")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "阿凡提"}])  # type: ignore[attr-defined]
    pipeline.to_disk(tmp_path / "model")
    engine = build_engine(backend=f"spacy:{tmp_path / 'model'}")
    found = BatchAnalyzer(engine).findings([TEXT])[0]
    assert {(TEXT[f.start : f.end], f.entity) for f in found} == {("阿凡提", "PERSON"), ("13912345678", "CN_MOBILE")}
    same = {(r.start, r.end, r.entity_type) for r in engine.analyze(TEXT, language=LANGUAGE)}
    assert {(f.start, f.end, f.entity) for f in found} == same


def test_a_trained_spacy_model_on_disk_is_read(tmp_path: Path) -> None:
    fix_random_seed(1)
    pipeline = spacy.blank("zh")
    pipeline.add_pipe("ner")
    taught = [
        Example.from_dict(pipeline.make_doc(f"请{name}到{place}取件"), {"entities": [(1, 4, "PERSON")]})
        for name in ("阿凡提", "买买提", "古丽娜")
        for place in ("南门", "北门", "大厅")
    ]
    optimizer = pipeline.initialize(partial(list, taught))
    for _ in range(40):
        pipeline.update(taught, sgd=optimizer)
    pipeline.to_disk(tmp_path / "model")
    found = BatchAnalyzer(build_engine(backend=f"spacy:{tmp_path / 'model'}")).findings(["请买买提到大厅取件", "无人在此"])
    assert [(f.start, f.end, f.entity, f.recognizer) for f in found[0]] == [(1, 4, "PERSON", "SpacyModelRecognizer")]
    assert found[1] == []


def test_a_missing_model_is_said_and_never_fetched() -> None:
    with pytest.raises(Unavailable, match=r"pii\.backend_missing"):
        build_engine(backend="spacy:no_such_package")


@pytest.mark.parametrize(("kind", "packages"), sorted(LIBRARIES.items()))
def test_a_missing_library_is_named_with_how_to_install_it(kind: str, packages: tuple[str, ...], tmp_path: Path) -> None:
    missing = [package for package in packages if find_spec(package) is None]
    with pytest.raises(Unavailable) as caught:
        build_engine(backend=f"{kind}:{tmp_path / 'empty'}")
    assert caught.value.code == ("pii.backend_library" if missing else "pii.backend_missing")
    assert all(package in caught.value.explain("en") for package in missing)
    assert str(tmp_path) not in caught.value.explain("en")


@pytest.mark.parametrize("backend", ["bert", "hf:", ""])
def test_an_unknown_backend_is_refused(backend: str) -> None:
    with pytest.raises(Invalid, match=r"pii\.backend"):
        build_engine(backend=backend)
