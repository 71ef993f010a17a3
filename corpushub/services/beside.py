"""Work a screen asks for but does not wait out: it runs once, beside the requests, and whoever asks again is given what came of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Lock, Thread
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = 0.4  # seconds a screen waits before it shows that the work is under way


class Beside:
    """Results by key, the newest `kept` of them; one work at a time. What failed is told to who asks next and then forgotten."""

    def __init__(self, kept: int = 8) -> None:
        self.kept = kept
        self._one, self._table = Lock(), Lock()
        self._futures: OrderedDict[str, Future[Any]] = OrderedDict()

    def soon(self, key: str, work: Callable[[], T]) -> T | None:
        """The result, or None while it is still being worked at. Raises: what `work` raises."""
        return self._result(key, self.start(key, work), PATIENCE)

    def result(self, key: str, work: Callable[[], T]) -> T:
        """The result, waited for. Raises: what `work` raises."""
        future = self.start(key, work)
        self._result(key, future, None)
        return future.result()

    def start(self, key: str, work: Callable[[], T]) -> Future[T]:
        """Begin the work, unless it was begun already."""
        with self._table:
            if key not in self._futures:
                future: Future[T] = Future()
                Thread(target=self._settle, args=(future, work), name=f"beside {key[:20]}", daemon=True).start()
                self._futures[key] = future  # only now: where no thread can be had, nobody may wait for it
            self._futures.move_to_end(key)
            for old in [name for name, future in self._futures.items() if future.done()][: len(self._futures) - self.kept]:
                del self._futures[old]
            return self._futures[key]

    def _result(self, key: str, future: Future[T], patience: float | None) -> T | None:
        wait([future], timeout=patience)
        if not future.done():
            return None
        if future.exception() is not None:
            with self._table:
                self._futures.pop(key, None)
        return future.result()

    def _settle(self, future: Future[T], work: Callable[[], T]) -> None:
        with self._one:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  handed to whoever asked, in their own thread
                future.set_exception(error)
