"""Killing processes on purpose: a command with all that it started, or one chief or worker by its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tuning.cluster import TUNER_ID

__all__ = ["copper_command", "kill_all", "kill_named", "killed", "started", "wait_until"]


def copper_command(*words: str) -> list[str]:
    """The command line of `copper` in a process of its own."""
    return [sys.executable, "-m", "copper_tf.cli.main", *words]


def started(command: list[str]) -> subprocess.Popen[bytes]:
    """A command that says nothing, in a group of its own so that all it starts can be killed with it."""
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_until(something: Callable[[], object], process: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    """Waits for something to be true, or for a process to end.

    Raises:
        TimeoutError: if neither comes; the process is killed then.
    """
    end = time.monotonic() + seconds
    while not something() and process.poll() is None:
        if time.monotonic() > end:
            kill_all(process)
            raise TimeoutError(f"it must come within {seconds:.0f} s. Received: nothing")
        time.sleep(0.1)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kills a command and all that it started, where it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def killed(command: list[str], seconds: float) -> bool:
    """Whether a command had to be killed after so many seconds; False where it had ended."""
    process = started(command)
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        kill_all(process)


def kill_named(name: str, path: Path) -> list[int]:
    """Kills the chief or worker of that name which works in a folder.

    Returns:
        Its process number, none where there is no such process.
    """
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            own = Path(f"/proc/{pid}/environ").read_bytes().split(f"{TUNER_ID}=".encode())[1].split(b"\0")[0]
            there = os.fsencode(path) in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (IndexError, OSError):
            continue
        if there and own == name.encode():
            os.kill(pid, signal.SIGKILL)
            return [pid]
    return []
