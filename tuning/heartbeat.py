"""Signs of life between chief and workers, through the folder that they share: who falls silent is not waited for.

KerasTuner's workers ask a chief that is gone for an hour, and its chief waits for ever for a worker that is.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import keras_tuner

from tfds_copper.errors import RunError, SettingError
from tfds_copper.files import write_text
from tuning.sweep import CHIEF, ORACLE_IP, ORACLE_PORT, TUNER_ID

__all__ = ["ALIVE", "Pulse", "Silence", "check_address", "dismiss", "is_chief", "is_worker", "wait_for_plan"]

# The folder of the signs.
ALIVE = "alive"
_BEAT = 2.0
# Seconds that a worker waits for its chief's plan.
_PATIENCE = 600
# Seconds of silence after which a worker's trial is given to another, a worker gives its chief up, and a chief without
# any worker gives up.
_WORKER_SILENT, _CHIEF_SILENT, _ALONE = 120.0, 300.0, 900.0


def is_worker() -> bool:
    """Whether this process takes its runs from a chief, as KerasTuner's environment variables say."""
    return ORACLE_IP in os.environ and not is_chief()


def is_chief() -> bool:
    """Whether this process hands runs out to others."""
    return ORACLE_IP in os.environ and CHIEF in os.environ.get(TUNER_ID, "")


def check_address() -> None:
    """Refuses half of KerasTuner's variables, and a chief whose address can't be listened at.

    Raises:
        SettingError: if a variable is missing or no number.
        RunError: if this process is the chief and can't listen there.
    """
    if not (ORACLE_IP in os.environ or ORACLE_PORT in os.environ):
        return
    for name in (TUNER_ID, ORACLE_IP, ORACLE_PORT):
        if not os.environ.get(name):
            raise SettingError(f"{name} must be set where the others of KerasTuner's variables are. Received: nothing")
    port = os.environ[ORACLE_PORT]
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingError(f"{ORACLE_PORT} must be a number from 1 to 65535. Received: {port!r}")
    if is_chief():
        address = os.environ[ORACLE_IP], int(port)
        try:
            with socket.socket() as tried:
                # As the server itself does: an address that was in use a moment ago serves.
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(address)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise RunError(f"{address[0]}:{port}: the chief must be able to listen there. Received: {reason}") from None


def wait_for_plan(path: Path, what: str, ready: Callable[[], bool]) -> None:
    """Waits, as a worker, until the chief has written what is to be done.

    Args:
        path: the folder that all share.
        what: is planned there, for the message.
        ready: whether the plan is there.

    Raises:
        RunError: if it doesn't come.
    """
    for _ in range(_PATIENCE):
        if ready():
            return
        time.sleep(1)
    raise RunError(f"{path}: the chief must plan the {what} within {_PATIENCE} s. Received: no plan")


@keras_tuner.synchronized
def dismiss(oracle: keras_tuner.Oracle, name: str) -> None:
    """Gives the trial of a worker that is gone to the next one that asks.

    Args:
        oracle: the chief's.
        name: of the worker.
    """
    trial = oracle.ongoing_trials.pop(name, None)
    if trial is not None:
        oracle._retry_queue.append(trial.trial_id)
    oracle.tuner_ids.discard(name)


class Silence:
    """For how long others have given no sign, by this process's own clock: those of two machines may differ.

    Args:
        folder: of the signs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: dict[str, tuple[str, float]] = {}

    def of(self, name: str) -> float:
        """Seconds since the sign of that name changed, or since it was first asked for."""
        file, now = self.folder / name, time.monotonic()
        try:
            sign = file.read_text(encoding="utf-8")
        except OSError:
            sign = ""
        if self.seen.get(name, (None, 0.0))[0] != sign:
            self.seen[name] = sign, now
        return now - self.seen[name][1]


class Pulse:
    """While it is entered, gives signs of life and looks after those of the others; alone, it does nothing.

    Args:
        path: the folder that all share.
        oracle: of the chief; a worker's own is not looked at.

    Raises:
        RunError: on leaving, where the others fell silent.
    """

    def __init__(self, path: Path, oracle: keras_tuner.Oracle) -> None:
        self.folder, self.oracle = path / ALIVE, oracle
        self.silence, self.reason = Silence(self.folder), ""
        self.ended = threading.Event()
        self.alone_since = self.last = time.monotonic()

    def _look(self) -> str:
        """Why this process gives up, empty where all is well."""
        if is_worker():
            silent = self.silence.of(CHIEF) > _CHIEF_SILENT
            return f"the chief must answer within {_CHIEF_SILENT:.0f} s" if silent else ""
        for name in list(self.oracle.tuner_ids):
            if self.silence.of(name) > _WORKER_SILENT:
                dismiss(self.oracle, name)
        if self.oracle.tuner_ids:
            self.alone_since = time.monotonic()
        alone = time.monotonic() - self.alone_since > _ALONE
        return f"a worker must be there within {_ALONE:.0f} s" if alone else ""

    def _beat(self, name: str, number: int) -> str:
        """Gives a sign; why this process gives up, empty where all is well."""
        late = time.monotonic() - self.last > _WORKER_SILENT and is_worker()
        with contextlib.suppress(OSError):
            # A folder that can't be reached for a while is tried again.
            write_text(self.folder / name, f"{os.getpid()} {number}\n")
            self.last = time.monotonic()
        # Its run may have been given to another by now.
        return f"a worker must give a sign every {_WORKER_SILENT:.0f} s" if late else self._look()

    def _live(self) -> None:
        name, number = CHIEF if is_chief() else os.environ[TUNER_ID], 0
        while not self.ended.wait(_BEAT):
            number += 1
            self.reason = self._beat(name, number)
            if self.reason:
                _thread.interrupt_main()
                return

    def __enter__(self) -> Pulse:
        if is_chief() or is_worker():
            self.folder.mkdir(parents=True, exist_ok=True)
            threading.Thread(target=self._live, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        if self.reason and kind is KeyboardInterrupt:
            raise RunError(f"{self.folder.parent}: {self.reason}. Received: no sign of life") from None
