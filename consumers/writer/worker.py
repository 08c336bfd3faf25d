"""A thread that does one thing at a time, so that the group's poll is never kept waiting."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

Task = Callable[[], None]


class Worker:
    """Runs tasks one after another on its thread; the thread ends with the process."""

    def __init__(self, name: str) -> None:
        self._tasks: queue.SimpleQueue[tuple[Task, Future[None]]] = queue.SimpleQueue()
        # A daemon: an answer that never comes from a server must not keep the process from ending.
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, task: Task) -> "Future[None]":
        """Run it when those before it are done; the future holds what it raises."""
        future: Future[None] = Future()
        self._tasks.put((task, future))
        return future

    def _run(self) -> None:
        while True:
            task, future = self._tasks.get()
            try:
                task()
            except BaseException as error:  # it is raised again where the future is read
                future.set_exception(error)
            else:
                future.set_result(None)
