"""Tasks done by processes of this machine: one pipe to each, and one loop here that waits for all of them.

`concurrent.futures` has pools too, but those of Python 3.11 wait for ever where one worker ends while another is being started, and end all
when one is lost. Here a worker shares nothing with another: one that dies, runs out of memory or stands still is replaced, and what it was
sent is done again. Nothing of ours in a worker starts a thread: where memory has run out it may never begin, and who starts it waits.
"""

from __future__ import annotations

import fcntl
import os
import pickle
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event
from traceback import format_tb
from typing import Any, Self

from corpushub.base.errors import Unavailable
from corpushub.base.identity import Stopwatch
from corpushub.engine.cache import Cache
from corpushub.engine.plan import Plan
from corpushub.engine.run.barrier import rule_shards
from corpushub.engine.run.executors import FUNCTIONS, Serial, T, Task, do, order_of
from corpushub.engine.run.nursery import nursery
from corpushub.engine.text.utf8 import WORTH_BYTES, compiled

MAX_LOSSES = 3
FEW_TASKS = 4  # fewer are done here while no worker runs: starting processes and loading libraries costs more
PATIENCE = 0.3
"""Seconds in which tasks may be done here before workers are sent for: most builds are small and never need any."""
LARGE_RULING = 250_000
"""Rows a worker rules on before it goes on with other tasks; it holds some hundred bytes of each. More get a process of their own, which takes a
fifth of a second to be ready."""
STILL_SECONDS = 120.0
"""A worker that has neither answered nor computed for so long will not: its libraries wait for something that never comes."""
END_SECONDS = 10.0


def load_kernels() -> None:
    """Load the compiled text kernels, where there are any, without waiting for enough text to repay it."""
    if compiled(WORTH_BYTES) is not None:
        import_module("corpushub.engine.text.compiled_stats")


def serve(pipe: Connection[Any, Any], order: bytes) -> None:
    """All a worker does: it reads tasks from the pipe and answers each. Whatever else happens ends it, and so the pipe, which the parent sees."""
    with suppress(BaseException):
        end_with_parent()
        while True:
            function, task = pipe.recv()
            pipe.send_bytes(outcome(function, order, task))
    os._exit(1)


def outcome(function: str, order: bytes, task: Task) -> bytes:
    """Do a task; what the parent is told of it: None, or what went wrong."""
    try:
        do(function, order, task)
    except BaseException as error:  # noqa: BLE001  the frame library's panics are no Exceptions
        error.add_note("".join(format_tb(error.__traceback__)))
        told = pickle.dumps(error)
        pickle.loads(told)  # noqa: S301  just made; what could not be read again is no answer, and ends this worker
        return told
    return pickle.dumps(None)


def end_with_parent() -> None:
    """A build that is killed takes its workers with it; by themselves they would first finish what they have begun.

    The kernel sends SIGIO, which ends a process, when the pipe that `multiprocessing` keeps open in the parent closes.
    """
    if parent := parent_process():
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, fcntl.fcntl(parent.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
        if not parent.is_alive():
            os._exit(1)


@dataclass(slots=True, eq=False)
class Worker:
    """A process, this end of the pipe to it, and the numbers of the tasks it was sent; it works on the first."""

    process: BaseProcess
    pipe: Connection[Any, Any]
    sent: deque[int] = field(default_factory=deque)
    computed: float = 0.0

    @classmethod
    def started(cls, order: bytes) -> Self:
        context = nursery()
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there, order), daemon=True)
        try:
            process.start()
        except (EOFError, OSError) as error:  # the process workers are copied from is gone
            raise Unavailable("build.workers_lost", times=1) from error
        there.close()  # so that its end closes with the worker
        return cls(process, here)

    def send(self, at: int, function: str, task: Task) -> None:
        self.sent.append(at)
        with suppress(OSError):  # of a worker that is gone: `answer` tells
            self.pipe.send((function, task))

    def answer(self) -> BaseException | None:
        """What the worker says of the task it worked on: nothing, or what went wrong; EOFError where it is gone."""
        try:
            return pickle.loads(self.pipe.recv_bytes())  # type: ignore[no-any-return]  # noqa: S301  written by `serve`
        except OSError:
            return EOFError()
        except EOFError as error:
            return error

    def stands_still(self) -> bool:
        """Whether it has not used the processor since this was last asked; unknown (no) where the system has no /proc."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            return False
        before, self.computed = self.computed, float(fields[11]) + float(fields[12])  # user and system ticks: proc(5)
        return before == self.computed

    def end(self, *, at_once: bool) -> None:
        """What it has begun is waited for, or, `at_once`, left as a killed build leaves it."""
        self.pipe.close()
        if not at_once:
            self.process.join(END_SECONDS)
        self.process.kill()
        self.process.join(END_SECONDS)


class Pool:
    """Processes copied from one that has everything loaded (`nursery`), which stay for the whole build. Use as a context manager."""

    def __init__(self, workers: int, patience: float = PATIENCE) -> None:
        self.size = workers
        self.patience = patience
        self.workers: list[Worker] = []
        self._order = b""
        self._starter = ThreadPoolExecutor(1)
        self._loading: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._starter.shutdown()
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """Let the workers go."""
        for worker in self.workers:
            worker.end(at_once=at_once)
        self.workers = []

    def start(self, order: bytes, tasks: int) -> None:
        """Have workers there for so many tasks of this order; the first one waits until what they are copied from is loaded."""
        if order != self._order:
            self.close()
            self._order = order
        while len(self.workers) < min(self.size, tasks):
            self.workers.append(Worker.started(order))

    def perform(self, function: str, plan: Plan, tasks: Sequence[T], cache: Cache) -> Iterator[T]:
        """Do every task, in any order; yields each when it is done. Raises: Unavailable("build.workers_lost"), and what a task raises."""
        if not self.there() and len(tasks) < FEW_TASKS:
            yield from Serial().perform(function, plan, tasks, cache)
        elif self.there() and function == rule_shards.__name__ and sum(task.rows for task in tasks) >= LARGE_RULING:
            with Pool(1) as alone:  # what a ruling holds in memory goes with its process
                yield from alone.shared_out(function, plan, tasks, cache)
        else:
            yield from self.shared_out(function, plan, tasks, cache)

    def there(self) -> bool:
        """Whether there are workers. Raises: Unavailable("build.workers_lost") where those that were sent for could not be started."""
        if (loading := self._loading) is not None and loading.done():
            self._loading = None
            loading.result()
        return self._loading is None and bool(self.workers)

    def send_for(self, order: bytes, tasks: int, is_done: Event) -> None:
        """Have workers started, unless the tasks are done before patience ends."""
        if not is_done.wait(self.patience):
            self.start(order, tasks)

    def shared_out(self, function: str, plan: Plan, tasks: Sequence[T], cache: Cache) -> Iterator[T]:
        """Tasks done by workers, and here for as long as those load."""
        order = order_of(plan, cache)
        left = deque(range(len(tasks)))
        if not self.there() and len(tasks) >= FEW_TASKS:
            is_done, watch = Event(), Stopwatch()
            try:
                while left and not self.there():
                    self._loading = self._loading or self._starter.submit(self.send_for, order, len(left), is_done)
                    if watch.seconds() >= self.patience:
                        load_kernels()  # what takes so long is large enough to need them
                    FUNCTIONS[function](plan, tasks[left[0]], cache)
                    yield tasks[left.popleft()]
            finally:
                is_done.set()
            if not left:
                return
        losses: Counter[int] = Counter()
        try:
            while unfinished := len(left) + sum(len(worker.sent) for worker in self.workers):
                self.start(order, unfinished)
                self.hand_out(function, tasks, left)
                for worker in self.answering():
                    at = worker.sent[0]
                    answer = worker.answer()
                    if answer is None:
                        yield tasks[worker.sent.popleft()]
                    elif isinstance(answer, EOFError | MemoryError):
                        losses[at] += 1
                        if losses[at] > MAX_LOSSES:
                            raise Unavailable("build.workers_lost", times=losses[at]) from answer
                        left.extendleft(reversed(worker.sent))
                        self.dismiss(worker)
                    else:
                        raise answer
        finally:
            unheard = [worker for worker in self.workers if worker.sent]
            for worker in unheard:  # left in the middle: their answers mean nothing to the next
                self.dismiss(worker)

    def hand_out(self, function: str, tasks: Sequence[Task], left: deque[int]) -> None:
        """Give each worker a task, and, while there are plenty, a second one to go on with."""
        for ahead in (1, 2):
            for worker in self.workers:
                if len(worker.sent) < ahead and len(left) > (ahead - 1) * self.size:
                    at = left.popleft()
                    worker.send(at, function, tasks[at])

    def answering(self) -> list[Worker]:
        """Those who have something to say of a task. One that stands still is ended, which says it too."""
        asked = {worker.pipe: worker for worker in self.workers if worker.sent}
        while not (ready := wait(list(asked), STILL_SECONDS)):
            for worker in asked.values():
                if worker.stands_still():
                    worker.process.kill()
        return [worker for pipe, worker in asked.items() if pipe in ready]

    def dismiss(self, worker: Worker) -> None:
        self.workers.remove(worker)
        worker.end(at_once=True)
