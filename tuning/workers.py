"""Several processes at one sweep or search: a chief that hands out runs, and workers that train them.

KerasTuner's environment variables say which of them a process is; `run_workers` starts all of them on this machine.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tfds_copper.children import SAFE_PATH
from tfds_copper.errors import OutputError, RunError
from tfds_copper.files import lock_folder
from tfds_copper.progress import Progress
from tuning.cluster import CHIEF, ORACLE_IP, ORACLE_PORT, TUNER_ID
from tuning.sweep import SweepStatus, open_sweep

__all__ = [
    "main",
    "run_workers",
]

# A process may be restarted so often without a run being finished in between.
_RESTARTS = 5
_POLL_SECONDS = 0.5
# After so many, a process whose parent was killed has seen it.
_ORPHAN_POLLS = 6
_MODULE = "tuning.workers"
_VISIBLE, _GROWTH = "CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH"


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


class _WorkerPool:
    """The chief and the workers of one sweep or search on this machine.

    Args:
        path: folder of the sweep.
        workers: processes that train.
    """

    def __init__(self, path: Path, workers: int) -> None:
        from tuning.compat import nvidia_gpus

        self.path, self.names = path, [f"worker{k}" for k in range(workers)]
        self.port = _free_port()
        self.threads = max(1, (os.cpu_count() or 1) // workers)
        self.gpus = nvidia_gpus()
        self.restarts_left = dict.fromkeys([CHIEF, *self.names], _RESTARTS)
        self.finished = 0
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._start_all()

    def _start_all(self) -> None:
        """Starts every process; where one can't be started, those that were are ended."""
        try:
            for name in (CHIEF, *self.names):
                self.processes[name] = self._start(name)
        except BaseException:
            self.stop()
            raise

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), str(self.threads))
        address = {ORACLE_IP: "127.0.0.1", ORACLE_PORT: str(self.port)}
        environment = {**os.environ, **SAFE_PATH, **threads, **address, TUNER_ID: name}
        if self.gpus:
            # One GPU each, the first again where there are more workers; a chief trains nothing.
            worker = name in self.names
            environment[_VISIBLE] = self.gpus[self.names.index(name) % len(self.gpus)] if worker else ""
            # TensorFlow would take all memory of a GPU that two have to share.
            environment[_GROWTH] = "true"
        log = (self.path / f"{name}.log").open("ab")
        command = [sys.executable, "-m", _MODULE, str(self.path), str(os.getpid())]
        with log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _restart(self, name: str) -> None:
        """Restarts a process that died; a worker of the same name gets the run that it had.

        Raises:
            RunError: if it died too often.
        """
        self.restarts_left[name] -= 1
        if not self.restarts_left[name]:
            raise RunError(
                f"{self.path}: {name} died {_RESTARTS} times in a row, see {self.path / name}.log. Received: no result"
            )
        if name == CHIEF:
            # Workers ask a chief that is gone for an hour; new ones read what is done from the run folders.
            self.stop()
            self.port = _free_port()
            self._start_all()
        else:
            self.processes[name] = self._start(name)

    def poll(self, finished: int) -> bool:
        """Restarts what died; False once every worker has finished.

        Args:
            finished: runs that are finished.
        """
        if finished > self.finished:
            self.finished, self.restarts_left = finished, dict.fromkeys(self.restarts_left, _RESTARTS)
        if self.processes[CHIEF].poll() == 0:
            # All is handed out and back: how a worker then ends doesn't matter.
            return any(self.processes[name].poll() is None for name in self.names)
        for name, process in list(self.processes.items()):
            if process.poll():
                self._restart(name)
                break
        return any(self.processes[name].poll() != 0 for name in self.names)

    def stop(self) -> None:
        """Ends all processes."""
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()


def _require_free(path: Path) -> None:
    """Waits a little for the chief of a call that was killed, which ends by itself; raises if the folder stays in use.

    Raises:
        OutputError: if another process works in it.
    """
    for left in reversed(range(_ORPHAN_POLLS)):
        try:
            with lock_folder(path):
                return
        except OutputError:
            if not left:
                raise
        time.sleep(_POLL_SECONDS)


def run_workers(path: Path, workers: int, status: Callable[[], SweepStatus], progress: Progress | None = None) -> None:
    """Performs a sweep or a search by several workers, each with its share of the processors and graphics cards.

    Args:
        path: folder of the plan, written.
        workers: processes that train.
        status: how far all runs are.
        progress: called with (done, total, what).

    Raises:
        OutputError: if another process works in the folder.
        RunError: if a process dies again and again.
    """
    _require_free(path)
    open_sweep(path).reset_failures()
    pool, finished = _WorkerPool(path, workers), 0
    try:
        while pool.poll(finished):
            now = status()
            finished = now.finished
            if progress:
                progress(now.done, now.total, f"{now.text}, {workers} workers")
            time.sleep(_POLL_SECONDS)
    finally:
        pool.stop()


def _exit_with(parent: int) -> None:
    """Ends this process as soon as the one that started it is gone."""
    from tuning.compat import parent_is_alive

    def watch() -> None:
        while parent_is_alive(parent):
            time.sleep(_POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: list[str] | None = None) -> int:
    """A chief or worker, as KerasTuner's environment variables say: (folder of the sweep, process that started it)."""
    path, parent = sys.argv[1:] if arguments is None else arguments
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    _exit_with(int(parent))
    from tuning.engine import run_search, run_sweep
    from tuning.trials import is_search, open_search

    if is_search(Path(path)):
        run_search(open_search(Path(path)))
    else:
        run_sweep(open_sweep(Path(path)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
