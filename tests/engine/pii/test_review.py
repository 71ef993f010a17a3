"""The sample a person looks at: drawn by rank, the same every time, resumable."""

from __future__ import annotations

import random

from corpushub.engine.pii.review import NOTHING, sample_for_review

SEED = "5eed" * 16
TEXTS = (
    [f"请拨打手机139{number:08d}联系" for number in range(30)]
    + [f"第{number}条 依照本办法执行。" for number in range(30)]
    + [None, ""]
)


def test_every_kind_and_none_is_sampled_and_order_does_not_matter() -> None:
    picked = sample_for_review(TEXTS, seed=SEED, each=4)
    strata = [stratum for item in picked for stratum in item.strata]
    assert {kind: strata.count(kind) for kind in set(strata)} == {"CN_MOBILE": 4, NOTHING: 4}
    shuffled = list(TEXTS)
    random.Random(1).shuffle(shuffled)
    assert {item.digest for item in sample_for_review(shuffled, seed=SEED, each=4)} == {item.digest for item in picked}


def test_what_was_judged_is_not_shown_again_and_nothing_else_comes_in() -> None:
    whole = sample_for_review(TEXTS, seed=SEED, each=4)
    done = {item.digest for item in whole[:3]}
    assert [item.digest for item in sample_for_review(TEXTS, seed=SEED, each=4, done=done)] == [item.digest for item in whole[3:]]


def test_equal_texts_count_once() -> None:
    assert len(sample_for_review([TEXTS[0]] * 9, seed=SEED)) == 1
