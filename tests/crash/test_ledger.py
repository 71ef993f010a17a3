"""A hub killed in the middle of appending loses nothing it answered for, and half a leaf is never there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpushub.base.settings import Settings
from corpushub.services.hub import open_hub

WRITER = """
import sys
from pathlib import Path
from corpushub.domain.parties import SYSTEM
from corpushub.base.settings import Settings
from corpushub.services.hub import open_hub
from tests.kit.ledger import an_event

hub = open_hub(Settings(home=Path(sys.argv[1])))
with hub.database.read() as unit:
    number = unit.ledger.size()
while True:
    with hub.database.begin() as unit:
        for _ in range(3):
            unit.events.append(an_event(f"case-{number}", 1))
            number += 1
    if number % 30 == 0:
        hub.audit.checkpoint(SYSTEM)
    print(number, flush=True)
"""


@pytest.mark.parametrize("patience", [0.05, 0.3])
def test_a_killed_writer_leaves_a_whole_ledger(tmp_path: Path, patience: float):
    answered = 0
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        answered = int(writer.stdout.readline())  # it is at work
        time.sleep(patience)
        writer.kill()
        rest = writer.stdout.read().split("\n")
        writer.wait()
        answered = max([answered, *(int(line) for line in rest[:-1] if line)])
    hub = open_hub(Settings(home=tmp_path))
    report = hub.audit.verify()
    hub.close()
    assert report.is_whole, report.problems
    assert report.leaves == report.events
    assert answered <= report.leaves <= answered + 3
    assert report.leaves % 3 == 0
