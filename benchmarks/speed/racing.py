"""Contestants in processes of their own that take turns, so that no one's threads or memory trouble another's.

A contestant is a program that prints `READY` when it is set up, then for each line that it reads does its work once,
and prints the seconds that took and the seconds of processors that it had; at the end of its input it prints its peak
memory in MB.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

READY = "ready"

__all__ = ["PEERS", "READY", "contend", "peers_python", "race"]

# The environment of programs that aren't ours; the Makefile makes it of benchmarks/peers.txt.
PEERS = Path(os.environ.get("PEERS", ".venv-peers"))


def peers_python() -> Path:
    """The interpreter of the peers' environment.

    Raises:
        SystemExit: if it isn't there.
    """
    python = PEERS / "bin" / "python"
    if not python.is_file():
        raise SystemExit(f"{python}: the peers need an environment of their own, `make peers` makes it. Received: none")
    return python


def contend(work: Callable[[], Any], warm: int = 2) -> None:
    """Serves as a contestant: does `work` whenever told to.

    Args:
        work: what is timed.
        warm: how often it is done before.
    """
    for _ in range(warm):
        work()
    print(READY, flush=True)
    for _ in sys.stdin:
        started, had = time.perf_counter(), time.process_time()
        work()
        print(time.perf_counter() - started, time.process_time() - had, flush=True)
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text()
    print(int(re.findall(r"VmHWM:\s*(\d+)", status)[0]) / 1024, flush=True)


class _Contestant:
    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name, self.seconds, self.processor = name, list[float](), list[float]()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self._process: subprocess.Popen[str] = subprocess.Popen(list(map(str, command)), **pipes)
        while (line := self._said()) != READY:
            print(f"{name}: {line}", file=sys.stderr)

    def _said(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            last = (self._process.communicate()[1].strip().splitlines() or ["nothing"])[-1]
            raise SystemExit(f"{self.name}: must go on to its end. Received: {last}")
        return line.strip()

    def go(self) -> None:
        """Does its work once."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        seconds, processor = map(float, self._said().split())
        self.seconds.append(seconds)
        self.processor.append(processor)

    def end(self) -> float:
        """Its peak memory in MB."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            return float(self._said())


def race(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, dict[str, float]]:
    """Lets each do its work once a round; all are set up before.

    Returns:
        For each ``seconds`` (the median), ``fastest``, ``processor`` (the least seconds of all its threads together,
        which says more where others work beside) and ``peak_mb``.
    """
    found = [_Contestant(name, command) for name, command in commands.items()]
    for _ in range(rounds):
        for one in found:
            one.go()
    return {
        one.name: {
            "seconds": sorted(one.seconds)[rounds // 2], "fastest": min(one.seconds), "processor": min(one.processor),
            "peak_mb": one.end(),
        }
        for one in found
    }  # fmt: skip
