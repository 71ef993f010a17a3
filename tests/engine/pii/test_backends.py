"""Other models of names enter through the same registry, from disk only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import spacy
from presidio_analyzer.predefined_recognizers.ner import gliner_recognizer, huggingface_ner_recognizer
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import fix_random_seed

from corpushub.base.errors import Invalid, Unavailable
from corpushub.engine.pii.analyzer import LANGUAGE, build_engine
from corpushub.engine.pii.backends import LIBRARIES, GlinerModelRecognizer, HuggingFaceModelRecognizer, SpacyModelRecognizer
from corpushub.engine.pii.scan import BatchAnalyzer

TEXT = "请阿凡提到南门取件，手机13912345678。"


def test_a_tiny_spacy_model_takes_the_place_of_the_tagger(tmp_path: Path) -> None:
    pipeline = spacy.blank("zh")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "阿凡提"}])  # type: ignore[attr-defined]  # what the name gives
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


def _fails(text: str = "", **_: object) -> list[dict[str, Any]]:
    message = f"cannot read {text}"
    raise RuntimeError(message)


def _hugging_face(monkeypatch: pytest.MonkeyPatch, model: Callable[[str], object]) -> HuggingFaceModelRecognizer:
    monkeypatch.setattr(huggingface_ner_recognizer, "torch", SimpleNamespace())
    monkeypatch.setattr(huggingface_ner_recognizer, "hf_pipeline", lambda *_, **__: model)
    return HuggingFaceModelRecognizer(
        model_name="model", supported_language=LANGUAGE, device="cpu", name="HuggingFaceModelRecognizer"
    )


def _refused(recognizer: Any, name: str, kind: str) -> None:
    """Through the recognizer, and through the front that reads whole columns."""
    with pytest.raises(Invalid, match=r"pii\.recognizer_failed") as caught:
        recognizer.analyze(TEXT, ["PERSON"])
    said = caught.value.explain("en") + caught.value.explain("zh")
    assert name in said
    assert kind in said
    assert "阿凡提" not in said
    with pytest.raises(Invalid):
        BatchAnalyzer(build_engine([recognizer], backend="none")).findings([TEXT])


def test_a_hugging_face_model_that_fails_lets_no_text_through(monkeypatch: pytest.MonkeyPatch) -> None:
    _refused(_hugging_face(monkeypatch, _fails), "HuggingFaceModelRecognizer", "RuntimeError")


@pytest.mark.parametrize(
    "answer", [None, 3, ["PER"], [{"start": 1, "end": 4}], [{"entity": "PER", "score": "high", "start": 1, "end": 4}]]
)
def test_an_answer_in_another_shape_is_a_failure_too(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    _refused(_hugging_face(monkeypatch, lambda _: answer), "HuggingFaceModelRecognizer", "Error")


def test_a_hugging_face_model_that_works_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        {"entity_group": "B-PER", "score": 0.9, "start": 1, "end": 4},
        {"entity_group": "PER", "score": 0.1, "start": 5, "end": 7},
        {"entity_group": "TIME", "score": 0.9, "start": 8, "end": 10},
    ]
    recognizer = _hugging_face(monkeypatch, lambda _: answers)
    found = BatchAnalyzer(build_engine([recognizer], backend="none")).findings([TEXT])[0]
    assert [(f.start, f.end, f.entity) for f in found if f.entity == "PERSON"] == [(1, 4, "PERSON")]


def test_a_gliner_model_that_fails_lets_no_text_through(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SimpleNamespace(predict_entities=_fails)
    monkeypatch.setattr(gliner_recognizer, "GLiNER", SimpleNamespace(from_pretrained=lambda *_, **__: model))
    recognizer = GlinerModelRecognizer(
        model_name="model", entity_mapping={"person": "PERSON"}, supported_language=LANGUAGE, name="GlinerModelRecognizer"
    )
    _refused(recognizer, "GlinerModelRecognizer", "RuntimeError")


@Language.component("fails_on_every_text")
def _fails_on_every_text(document: Doc) -> Doc:
    raise RuntimeError(document.text)


def _ignores(*_: object) -> None:
    """What spaCy documents for pipelines that should go on."""


@pytest.mark.parametrize("is_ignoring", [False, True])
def test_a_spacy_model_that_fails_or_leaves_out_a_text_lets_none_through(is_ignoring: bool) -> None:
    pipeline = spacy.blank("zh")
    pipeline.add_pipe("fails_on_every_text")
    if is_ignoring:
        pipeline.set_error_handler(_ignores)  # type: ignore[arg-type]  # typed as one that never returns
    _refused(SpacyModelRecognizer(pipeline, LANGUAGE), "SpacyModelRecognizer", "Chinese" if is_ignoring else "RuntimeError")
