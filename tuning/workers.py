"""Several processes of this machine at one sweep or search: a chief that hands out runs, and workers that do them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tfds_copper.errors import RunError
from tfds_copper.progress import Progress
from tuning.sweep import CHIEF, ORACLE_IP, ORACLE_PORT, TUNER_ID, open_sweep

__all__ = ["main", "spread"]

# A process may die so often without a run being finished in between.
_LIVES = 5
_LOOK_EVERY = 0.5
_MODULE = "tuning.workers"
# Where the driver of graphics cards lists them, and the variable that hides them from a process.
_DRIVER, _VISIBLE = Path("/proc/driver/nvidia/gpus"), "CUDA_VISIBLE_DEVICES"
_GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _cards() -> list[str]:
    """The graphics cards that processes may see, by the numbers that CUDA gives them."""
    if _VISIBLE in os.environ:
        return [card for card in os.environ[_VISIBLE].split(",") if card.strip()]
    return [str(k) for k, _ in enumerate(_DRIVER.glob("*"))]


class _Crew:
    """The processes of one sweep."""

    def __init__(self, path: Path, workers: int) -> None:
        self.path, self.names = path, [f"worker{k}" for k in range(workers)]
        self.port = _free_port()
        self.threads = max(1, (os.cpu_count() or 1) // workers)
        self.cards = _cards()
        self.lives = dict.fromkeys([CHIEF, *self.names], _LIVES)
        self.done = 0
        self.running = {name: self._start(name) for name in (CHIEF, *self.names)}

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), str(self.threads))
        address = {ORACLE_IP: "127.0.0.1", ORACLE_PORT: str(self.port)}
        environment = {**os.environ, **threads, **address, TUNER_ID: name}
        if self.cards:
            # One card each, the first again where there are more workers; a chief trains nothing.
            worker = name in self.names
            environment[_VISIBLE] = self.cards[self.names.index(name) % len(self.cards)] if worker else ""
            # TensorFlow would take all of a card that two have to share.
            environment[_GROWTH] = "true"
        log = (self.path / f"{name}.log").open("ab")
        command = [sys.executable, "-m", _MODULE, str(self.path), str(os.getpid())]
        with log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _again(self, name: str) -> None:
        """Starts a process that died once more; a worker of the same name gets the run that it had.

        Raises:
            RunError: if it died too often.
        """
        self.lives[name] -= 1
        if not self.lives[name]:
            raise RunError(
                f"{self.path}: {name} died {_LIVES} times in a row, see {self.path / name}.log. Received: no result"
            )
        if name == CHIEF:
            # Workers ask a chief that is gone for an hour; a new crew finds what is done in the run folders.
            self.stop()
            self.port = _free_port()
            self.running = {other: self._start(other) for other in (CHIEF, *self.names)}
        else:
            self.running[name] = self._start(name)

    def watch(self, done: int) -> bool:
        """Replaces what died; False once every worker has finished.

        Args:
            done: runs that are finished.
        """
        if done > self.done:
            self.done, self.lives = done, dict.fromkeys(self.lives, _LIVES)
        if self.running[CHIEF].poll() == 0:
            # All is handed out and back: how a worker then ends doesn't matter.
            return any(self.running[name].poll() is None for name in self.names)
        for name, process in list(self.running.items()):
            code = process.poll()
            if code:
                self._again(name)
                break
        return any(self.running[name].poll() != 0 for name in self.names)

    def stop(self) -> None:
        """Ends all processes."""
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
            process.wait()


def spread(
    path: Path, workers: int, look: Callable[[], tuple[int, int, int, str]], progress: Progress | None = None
) -> None:
    """Performs a sweep or a search by so many workers, each with its share of the processors and graphics cards.

    Args:
        path: folder of the plan, written.
        workers: processes that train.
        look: how far all are: (runs finished, done, total, what).
        progress: called with (done, total, what).

    Raises:
        RunError: if a process dies again and again.
    """
    open_sweep(path).forgive_failures()
    crew, finished = _Crew(path, workers), 0
    try:
        while crew.watch(finished):
            finished, done, total, text = look()
            if progress:
                progress(done, total, f"{text}, {workers} workers")
            time.sleep(_LOOK_EVERY)
    finally:
        crew.stop()


def _end_with(parent: int) -> None:
    """Ends this process as soon as the one that started it is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: list[str] | None = None) -> int:
    """A chief or worker, as KerasTuner's environment variables say: (folder of the sweep, process that started it)."""
    path, parent = sys.argv[1:] if arguments is None else arguments
    _end_with(int(parent))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from tuning.engine import hunt, walk
    from tuning.trials import is_search, open_search

    if is_search(Path(path)):
        hunt(open_search(Path(path)))
    else:
        walk(open_sweep(Path(path)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
