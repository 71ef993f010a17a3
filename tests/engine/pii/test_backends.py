"""Other models of names enter through the same registry, from disk only."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from corpushub.base.errors import Invalid, Unavailable
from corpushub.engine.pii.analyzer import LANGUAGE, build_engine
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


@pytest.mark.parametrize("backend", ["hf:no/such-model", "gliner:no/such-model", "spacy:no_such_package"])
def test_a_missing_model_is_said_and_never_fetched(backend: str) -> None:
    with pytest.raises(Unavailable, match=r"pii\.backend_missing"):
        build_engine(backend=backend)


@pytest.mark.parametrize("backend", ["bert", "hf:", ""])
def test_an_unknown_backend_is_refused(backend: str) -> None:
    with pytest.raises(Invalid, match=r"pii\.backend"):
        build_engine(backend=backend)


def test_a_hugging_face_model_on_disk_is_read(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"请阿凡提到南门取件"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), "utf-8")
    tokenizer = transformers.BertTokenizerFast(str(tmp_path / "vocab.txt"))
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, num_labels=2,
        id2label={0: "O", 1: "B-PER"},
    )  # fmt: skip
    transformers.BertForTokenClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert BatchAnalyzer(build_engine(backend=f"hf:{tmp_path}")).findings([TEXT])[0]
