"""Heartbeats of chief and workers, through the folder that they share: nobody waits for a process that is gone.

KerasTuner's workers ask a chief that is gone for an hour, and its chief waits for ever for a worker that is.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import threading
import time
from pathlib import Path
from types import TracebackType

import keras_tuner

from tfds_copper.errors import RunError
from tfds_copper.files import write_text
from tuning.cluster import CHIEF, TUNER_ID, is_chief, is_worker
from tuning.compat import requeue_trial

__all__ = ["HEARTBEATS", "Heartbeat", "LastSeen"]

# The folder of the heartbeats.
HEARTBEATS = "heartbeats"
_INTERVAL = 2.0
# Seconds without a heartbeat after which a worker's trial is given to another, a worker gives its chief up, and a chief
# without any worker gives up.
_WORKER_TIMEOUT, _CHIEF_TIMEOUT, _ALONE_TIMEOUT = 120.0, 300.0, 900.0


class LastSeen:
    """Seconds since the last heartbeat of others, by this process's own clock: those of two machines may differ.

    Args:
        folder: of the heartbeats.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._changes: dict[str, tuple[str, float]] = {}

    def seconds_since(self, name: str) -> float:
        """Seconds since the heartbeat of that name changed, or since it was first asked for."""
        file, now = self.folder / name, time.monotonic()
        try:
            text = file.read_text(encoding="utf-8")
        except OSError:
            text = ""
        if self._changes.get(name, (None, 0.0))[0] != text:
            self._changes[name] = text, now
        return now - self._changes[name][1]


class Heartbeat:
    """While it is entered, writes heartbeats and watches those of the others; in a single process it does nothing.

    Args:
        path: the folder that all share.
        oracle: of the chief; a worker's own is not read.

    Raises:
        RunError: on leaving, where the others stopped answering.
    """

    def __init__(self, path: Path, oracle: keras_tuner.Oracle) -> None:
        self.folder, self.oracle = path / HEARTBEATS, oracle
        self.last_seen, self.reason = LastSeen(self.folder), ""
        self.ended = threading.Event()
        self.alone_since = self.last = time.monotonic()

    def check(self) -> str:
        """Why this process gives up, empty where all is well."""
        if is_worker():
            gone = self.last_seen.seconds_since(CHIEF) > _CHIEF_TIMEOUT
            return f"the chief must answer within {_CHIEF_TIMEOUT:.0f} s" if gone else ""
        for name in list(self.oracle.tuner_ids):
            if self.last_seen.seconds_since(name) > _WORKER_TIMEOUT:
                requeue_trial(self.oracle, name)
        if self.oracle.tuner_ids:
            self.alone_since = time.monotonic()
        alone = time.monotonic() - self.alone_since > _ALONE_TIMEOUT
        return f"a worker must be there within {_ALONE_TIMEOUT:.0f} s" if alone else ""

    def _beat(self, name: str, number: int) -> str:
        """Writes a heartbeat; why this process gives up, empty where all is well."""
        late = time.monotonic() - self.last > _WORKER_TIMEOUT and is_worker()
        with contextlib.suppress(OSError):
            # A folder that can't be reached for a while is tried again.
            write_text(self.folder / name, f"{os.getpid()} {number}\n")
            self.last = time.monotonic()
        # Its run may have been given to another by now.
        return f"a worker must write a heartbeat every {_WORKER_TIMEOUT:.0f} s" if late else self.check()

    def _run(self) -> None:
        name, number = CHIEF if is_chief() else os.environ[TUNER_ID], 0
        while not self.ended.wait(_INTERVAL):
            number += 1
            self.reason = self._beat(name, number)
            if self.reason:
                _thread.interrupt_main()
                return

    def __enter__(self) -> Heartbeat:
        if is_chief() or is_worker():
            self.folder.mkdir(parents=True, exist_ok=True)
            threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        if self.reason and kind is KeyboardInterrupt:
            raise RunError(f"{self.folder.parent}: {self.reason}. Received: no heartbeat") from None
