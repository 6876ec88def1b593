"""A chief and two workers on machines of their own, and the network between them cut: is anything lost, or done twice?

    python -m benchmarks.search.cut --cut 60 --output acceptance/cut
    python -m benchmarks.search.cut --cut 60 --output acceptance/cut --who chief

Three network namespaces stand for three machines, on one bridge; the folder is shared, as it is on a cluster. A grid is
searched by a chief and two workers, each started as `docs/how-to/cluster.md` says. While both workers are at work, one
of them, or the chief, loses its network for so many seconds. The search must then end by itself, every point must be
trained once, and the trials must be those of a search by one process that nothing disturbed. The exit code is 1 where
that isn't so.

Needs Linux, root and `ip` (iproute2).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.search.killing import copper_command, kill_all
from benchmarks.search.search import SETTINGS, searched, world
from benchmarks.search.workers import SHORT, finished_trials, times_of_scores
from tuning.cluster import CHIEF, ORACLE_IP, ORACLE_PORT, TUNER_ID
from tuning.summary import RESULT

__all__ = ["allowed", "main"]

_NAMES = (CHIEF, "worker0", "worker1")
_SPACE = ("n=1", "N=1,2", "c=4,8", "d=1,2")
_ADDRESS, _PORT = "10.231.0.", "8765"
# Until both workers have a trial, and until all is over.
_BEGIN, _END = 300.0, 1200.0


def _ip(*words: str, check: bool = True) -> int:
    return subprocess.run(["ip", *words], check=check, capture_output=True).returncode


@contextlib.contextmanager
def _machines(prefix: str) -> Iterator[dict[str, str]]:
    """The name of a network namespace for each of `_NAMES`, all on one bridge."""
    bridge = f"{prefix}br"
    spaces = {name: f"{prefix}{name}" for name in _NAMES}
    try:
        _ip("link", "add", bridge, "type", "bridge")
        _ip("link", "set", bridge, "up")
        for k, (name, space) in enumerate(spaces.items()):
            cable = f"{prefix}{k}"
            _ip("netns", "add", space)
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", cable, "master", bridge, "up")
            for words in (("address", "add", f"{_ADDRESS}{k + 1}/24", "dev", "eth0"), ("link", "set", "eth0", "up")):
                _ip("-n", space, *words)
            _ip("-n", spaces[name], "link", "set", "lo", "up")
        yield spaces
    finally:
        for space in spaces.values():
            _ip("netns", "delete", space, check=False)
        _ip("link", "delete", bridge, check=False)


def allowed() -> bool:
    """Whether this process may make network namespaces and bridges."""
    try:
        with _machines(f"ca{os.getpid() % 10000}"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _started(space: str, name: str, command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """One of the three, on a machine of its own."""
    own = {TUNER_ID: name, ORACLE_IP: f"{_ADDRESS}1", ORACLE_PORT: _PORT}
    with (log / f"{name}.txt").open("wb") as file:
        return subprocess.Popen(
            ["ip", "netns", "exec", space, *command], env={**os.environ, **own}, start_new_session=True,
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip


def _wait(done: Any, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"{what} must come within {seconds:.0f} s. Received: nothing")
        time.sleep(0.2)


def _disturbed(output: Path, who: str, cut: float) -> dict[str, Any]:
    """A search by three machines, one of which is cut off for a while."""
    folder = output / f"cut-{who}"
    words = ("search", "classifier", str(world(output)), "-o", str(folder), *SETTINGS, *SHORT, "--oracle", "grid")
    command = copper_command(*words, "--space", *_SPACE)
    prefix = f"cc{os.getpid() % 10000}"
    processes: dict[str, subprocess.Popen[bytes]] = {}
    with _machines(prefix) as spaces:
        try:
            for name, space in spaces.items():
                processes[name] = _started(space, name, command, output)
            _wait(lambda: len(list(folder.glob("runs/*"))) >= 2, _BEGIN, "a trial of each worker")
            before = times_of_scores(folder)
            started = time.monotonic()
            _ip("-n", spaces[who], "link", "set", "eth0", "down")
            time.sleep(cut)
            meanwhile = times_of_scores(folder)
            _ip("-n", spaces[who], "link", "set", "eth0", "up")
            _wait(lambda: all(p.poll() is not None for p in processes.values()), _END, "the end of the search")
            seconds = time.monotonic() - started
        finally:
            for process in processes.values():
                kill_all(process)
    after = times_of_scores(folder)
    again = [file for file, stamp in (before | meanwhile).items() if after.get(file) != stamp]
    failures = sum((output / f"{name}.txt").read_text().count("Traceback") for name in _NAMES)
    codes = {name: process.returncode for name, process in processes.items()}
    return {
        "exit_codes": codes,
        "seconds": seconds,
        "finished_during_the_cut": len(meanwhile) - len(before),
        "done_again_or_lost": len(again),
        "failures": failures,
        "trials": len(after),
        "found": json.loads((folder / RESULT).read_text()),
    }


def main(arguments: list[str] | None = None) -> int:
    """Cuts the network once, prints how it went, returns the exit code."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--who", choices=_NAMES, default=_NAMES[2], help="whose network is cut")
    flags.add_argument("--cut", type=float, default=60.0, help="seconds without network")
    flags.add_argument("--output", type=Path, default=Path("acceptance/cut"), help="where runs are kept")
    asked = flags.parse_args(arguments)
    if not allowed():
        print("network namespaces need Linux, root and `ip`. Received: none of it", file=sys.stderr)
        return 2
    whole = searched(asked.output, "undisturbed", "--oracle", "grid", *SHORT, space=_SPACE)
    disturbed = _disturbed(asked.output, asked.who, asked.cut)
    found = disturbed.pop("found")
    same = finished_trials(found) == finished_trials(whole)
    codes, failures = disturbed["exit_codes"], disturbed["failures"]
    good = same and not (disturbed["done_again_or_lost"] or failures or any(codes.values()))
    said, again = "the same as" if same else "OTHER than", disturbed["done_again_or_lost"]
    print(
        f"{asked.who} without network for {asked.cut:.0f} s: {disturbed['trials']} trials, "
        f"{disturbed['finished_during_the_cut']} finished meanwhile, {again} done again or lost; "
        f"{said} those of one process; {failures} failures; {disturbed['seconds']:.0f} s in all; exit codes {codes}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
