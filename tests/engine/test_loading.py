"""What is loaded for good is no business of the garbage collector."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from corpushub.engine.loading import for_good


def test_the_collector_rests_while_loading_and_leaves_what_was_loaded() -> None:
    with for_good():
        assert not gc.isenabled()
        made = [[] for _ in range(100)]
    assert gc.isenabled()
    assert not {id(one) for one in gc.get_objects()} & {id(one) for one in made}


def test_the_collector_works_again_after_a_load_that_failed() -> None:
    with pytest.raises(ImportError), for_good():
        raise ImportError
    assert gc.isenabled()


def test_of_the_engine_nothing_is_searched_again() -> None:
    code = "import gc; from corpushub.engine.registry import registry; registry(); print(gc.isenabled(), len(gc.get_objects()))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert told[0] == "True"
    assert int(told[1]) < 5_000
