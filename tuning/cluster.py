"""Who a process is among a chief and its workers, as KerasTuner's environment variables say."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tfds_copper.errors import RunError, SettingError

__all__ = ["CHIEF", "ORACLE_IP", "ORACLE_PORT", "TUNER_ID", "check_address", "is_chief", "is_worker", "wait_for_plan"]

# KerasTuner's own variables, and the name that makes a process the chief.
TUNER_ID, ORACLE_IP, ORACLE_PORT = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
CHIEF = "chief"
# Seconds that a worker waits for its chief's plan.
_PLAN_TIMEOUT = 600


def is_worker() -> bool:
    """Whether this process takes its runs from a chief, as KerasTuner's environment variables say."""
    return ORACLE_IP in os.environ and not is_chief()


def is_chief() -> bool:
    """Whether this process hands runs out to others."""
    return ORACLE_IP in os.environ and CHIEF in os.environ.get(TUNER_ID, "")


def check_address() -> None:
    """Checks KerasTuner's variables, and that a chief can listen at its address.

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
            with socket.socket() as server:
                # As the server itself does: an address that was in use a moment ago serves.
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                server.bind(address)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise RunError(f"{address[0]}:{port}: the chief must be able to listen there. Received: {reason}") from None


def wait_for_plan(path: Path, what: str, ready: Callable[[], bool]) -> None:
    """Waits, as a worker, until the chief has written its plan.

    Args:
        path: the folder that all share.
        what: is planned there, for the message.
        ready: whether the plan is there.

    Raises:
        RunError: if it doesn't come.
    """
    for _ in range(_PLAN_TIMEOUT):
        if ready():
            return
        time.sleep(1)
    raise RunError(f"{path}: the chief must plan the {what} within {_PLAN_TIMEOUT} s. Received: no plan")
