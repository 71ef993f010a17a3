"""What a running hub tells its operator: one JSON object per line on stderr, an answer's with its request id, none with paths, queries or secrets.

On a terminal only what is out of the ordinary is told.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import deque
from functools import lru_cache
from pathlib import Path
from threading import Event, Lock, Thread
from traceback import extract_tb
from typing import NamedTuple, TextIO

FLUSH_SECONDS = 0.5
MAX_HELD = 20_000
_LOGGERS = (("corpushub", logging.INFO), ("uvicorn", logging.WARNING))
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
quoted = lru_cache(4096)(_encode)


class Answered(NamedTuple):
    """One answer, as it is logged; a request id has no letter JSON would escape (`wire.request_id`)."""

    at: float
    request: str
    method: str
    kind: str
    status: int
    seconds: float
    sent: int
    person: str
    token: str


class Lines(logging.Handler):
    """Writes lines twice a second, many at once, because a logging call for each would cost a small file a sixth of its time; warnings at once."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self.stream = stream or sys.stderr
        self.watched = self.stream.isatty()  # by a person, who would lose what else was printed among one line an answer
        self.held: deque[str | Answered] = deque()
        self._guard = Lock()
        self._closing = Event()
        self._thread = Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    def answered(self, one: Answered) -> None:
        if self.watched:
            return
        self.held.append(one)
        if len(self.held) >= MAX_HELD:
            self.flush()

    def emit(self, record: logging.LogRecord) -> None:
        self.held.append(line_of(record))
        if record.levelno >= logging.WARNING:
            self.flush()

    def flush(self) -> None:
        with self._guard:
            lines = [self.held.popleft() for _ in range(len(self.held))]
            if lines:
                self.stream.write("".join(line if isinstance(line, str) else answer_line(line) for line in lines))
                self.stream.flush()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(timeout=2)
        self.flush()
        super().close()

    def _work(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            self.flush()


def answer_line(one: Answered) -> str:
    return (
        f'{{"at":"{second(int(one.at))}.{int(one.at % 1 * 1_000_000):06}Z","level":"info","log":"corpushub.http","request":"{one.request}"'
        f',"method":{quoted(one.method)},"kind":{quoted(one.kind)},"status":{one.status},"ms":{one.seconds * 1000:.2f},"bytes":{one.sent}'
        f',"person":{quoted(one.person)},"token":{quoted(one.token)}}}\n'
    )


def line_of(record: logging.LogRecord) -> str:
    line: dict[str, object] = {"at": f"{second(int(record.created))}.{int(record.created % 1 * 1_000_000):06}Z"}
    line |= {"level": record.levelname.lower(), "log": record.name, "message": record.getMessage()}
    if record.exc_info:
        line["trace"] = trace_of(record.exc_info[1])
    return _encode(line) + "\n"


def trace_of(error: BaseException | None) -> list[str]:
    """What broke and where, cause by cause. Without the messages: those of the frame library and of databases quote cells, paths and addresses."""
    told: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        told.append(type(error).__qualname__)
        told += [f"{'/'.join(Path(at.filename).parts[-3:])}:{at.lineno} {at.name}" for at in extract_tb(error.__traceback__)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told


@lru_cache(16)
def second(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))


def start_logging(stream: TextIO | None = None) -> Lines:
    """Let our loggers and the server's speak; gives the handler, for the answers too."""
    lines = Lines(stream)
    for name, level in _LOGGERS:
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).addHandler(lines)
    return lines


def stop_logging(lines: Lines) -> None:
    for name, _ in _LOGGERS:
        logging.getLogger(name).removeHandler(lines)
    lines.close()
