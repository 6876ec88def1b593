"""A seeded fuzz of all that reads a user's files: ``python -m benchmarks.fuzz.fuzz [--cases 10000] [--seed 0]``.

Each case is read in a worker with little memory; allowed are a correct read and a `CopperError` of one clear line.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

from benchmarks.fuzz.cases import case, named_cases, remove
from benchmarks.fuzz.judge import ERROR, READ, judge

__all__ = ["main"]

_SECONDS, _MEGABYTES, _ADDRESSES = 10.0, 600, 3 * 2**30
# How long a worker may take to write a case and to start.
_WRITING = 120.0


@dataclasses.dataclass
class _Table:
    """What all cases came to, by kind."""

    cases: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    reads: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    errors: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    failures: collections.Counter[tuple[str, str]] = dataclasses.field(default_factory=collections.Counter)
    examples: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def add(self, number: int, answer: dict[str, Any]) -> None:
        """Counts a case; of failures of one sort the first few are kept."""
        kind = answer["kind"]
        self.cases[kind] += 1
        self.reads[kind] += not answer["failures"] and answer["reads"] > 0
        self.errors[kind] += not answer["failures"] and answer["reads"] == 0
        for sort in dict.fromkeys(sort for sort, _ in answer["failures"]):
            self.failures[kind, sort] += 1
        for sort, detail in answer["failures"]:
            self.examples.setdefault(sort, []).append(f"case {number}, {kind} {answer['name']}: {detail}")

    def text(self) -> str:
        """For people."""
        lines = [f"{'kind':<12}{'cases':>8}{'correct reads':>16}{'clear errors':>15}  failures"]
        for kind in self.cases:
            sorts = ", ".join(f"{n} {sort}" for (k, sort), n in self.failures.items() if k == kind) or "0"
            lines.append(f"{kind:<12}{self.cases[kind]:>8}{self.reads[kind]:>16}{self.errors[kind]:>15}  {sorts}")
        failed = self.cases.total() - self.reads.total() - self.errors.total()
        total = f"{'all':<12}{self.cases.total():>8}{self.reads.total():>16}{self.errors.total():>15}  {failed}"
        return "\n".join((*lines, total))


def _memory(name: str) -> int:
    """One line of what the system says of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def _warm(base: Path) -> None:
    """Reads a file of every kind, so that no import counts against a case."""
    for number in (0, 1, 2, 3):
        root, file, sheet_from = case(0, number).put(base / f"warm{number}")
        judge(root, file, sheet_from)
        remove(base / f"warm{number}")


def _judged(seed: int, number: int, base: Path, said: IO[bytes]) -> dict[str, Any]:
    """One case, in a worker."""
    tried, folder = case(seed, number), base / "case"
    answer = {"kind": tried.kind, "name": tried.name}
    root, file, sheet_from = tried.put(folder)
    print(json.dumps(answer), file=_REPLIES, flush=True)
    os.ftruncate(said.fileno(), 0)
    os.lseek(said.fileno(), 0, os.SEEK_SET)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the highest memory so far
    before, start = _memory("VmRSS"), time.perf_counter()
    verdict = judge(root, file, sheet_from)
    seconds, grown = time.perf_counter() - start, (_memory("VmHWM") - before) / 2**20
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if os.fstat(said.fileno()).st_size:
        verdict.fail("output", repr(os.pread(said.fileno(), 200, 0)))
    if seconds > _SECONDS:
        verdict.fail("hang", f"{seconds:.1f} s")
    if grown > _MEGABYTES:
        verdict.fail("memory", f"{grown:.0f} MB")
    got = READ if verdict.reads else ERROR
    if tried.outcome and not verdict.failures and got != tried.outcome:
        verdict.fail("other outcome", f"{got}, not {tried.outcome}: {verdict.errors[:1]}")
    remove(folder)
    return {**answer, "reads": verdict.reads, "errors": verdict.errors, "failures": verdict.failures,
            "seconds": seconds, "grown": grown}  # fmt: skip


_REPLIES: IO[str] = sys.stdout


def _work(seed: int) -> None:
    """A worker: reads a number a line, answers a case a line; what else is written is a failure."""
    global _REPLIES
    import resource

    _REPLIES = os.fdopen(os.dup(1), "w")
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as said,
    ):
        _warm(Path(folder))
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        limit = _memory("VmSize") + _ADDRESSES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for line in sys.stdin:
            try:
                answer = _judged(seed, int(line), Path(folder), said)
            except BaseException as error:
                answer = {"kind": "fuzz", "name": line.strip(), "reads": 0, "errors": [], "seconds": 0, "grown": 0,
                          "failures": [("fuzz itself", f"{type(error).__name__}: {error}")]}  # fmt: skip
                remove(Path(folder) / "case")
            print(json.dumps(answer), file=_REPLIES, flush=True)


class _Worker:
    """A worker's process, started anew after a crash or a hang."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "benchmarks.fuzz.fuzz", "--seed", str(self._seed), "--worker"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._rest = b""

    def _line(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout
        end = time.monotonic() + seconds
        while b"\n" not in self._rest:
            if not select.select([self._process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError
            more = self._process.stdout.read(2**16)
            if not more:
                raise EOFError
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return dict(json.loads(line))

    def ask(self, number: int) -> dict[str, Any]:
        """What a case came to."""
        assert self._process.stdin
        answer: dict[str, Any] = {"kind": "fuzz", "name": str(number)}
        try:
            self._process.stdin.write(b"%d\n" % number)
            answer = self._line(_WRITING)
            return answer if "failures" in answer else self._line(3 * _SECONDS)
        except (TimeoutError, EOFError, BrokenPipeError) as error:
            self.stop(kill=True)
            sort = "hang" if isinstance(error, TimeoutError) else "crash"
            detail = f"killed after {3 * _SECONDS:g} s" if sort == "hang" else f"exit {self._process.returncode}"
            self._start()
            return {**answer, "reads": 0, "errors": [], "failures": [(sort, detail)], "seconds": 0, "grown": 0}

    def stop(self, kill: bool = False) -> None:
        """Ends the process."""
        if kill:
            self._process.kill()
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _keep(seed: int, number: int, folder: Path) -> None:
    """Writes a failing case again, where it is to be kept."""
    target = folder / f"seed{seed}-case{number}"
    if not target.exists():
        root, file, sheet_from = case(seed, number).put(target)
        (target / "how.txt").write_text(f"root {root}\nfile {file!r}\nsheet-from {sheet_from!r}\n", errors="replace")


def _run(seed: int, numbers: range, workers: int, keep: Path | None) -> tuple[_Table, list[dict[str, Any]]]:
    table, answers, lock, left = _Table(), [], threading.Lock(), iter(numbers)

    def serve() -> None:
        worker = _Worker(seed)
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                break
            answer = worker.ask(number)
            with lock:
                table.add(number, answer)
                answers.append(answer)
                if answer["failures"] and keep and answer["kind"] != "fuzz":
                    _keep(seed, number, keep)
                done = table.cases.total()
                if done % 200 == 0 or done == len(numbers):
                    print(f"\r{done} of {len(numbers)} cases", end="", file=sys.stderr, flush=True)
        worker.stop()

    threads = [threading.Thread(target=serve) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(file=sys.stderr)
    return table, answers


def main() -> int:
    """Runs the fuzz, prints its table; 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000, help=f"the first {len(named_cases())} are bombs by name")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--keep", type=Path, help="folder for the inputs that failed")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        _work(chosen.seed)
        return 0
    if chosen.keep:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    table, answers = _run(chosen.seed, range(chosen.first, chosen.first + chosen.cases), chosen.workers, chosen.keep)
    print(table.text())
    worst = max(answers, key=lambda a: a["grown"]), max(answers, key=lambda a: a["seconds"])
    print(f"most memory: {worst[0]['grown']:.0f} MB, {worst[0]['kind']} {worst[0]['name']}")
    print(f"most time: {worst[1]['seconds']:.1f} s, {worst[1]['kind']} {worst[1]['name']}")
    print(f"seed {chosen.seed}, {time.perf_counter() - start:.0f} s")
    for sort, examples in table.examples.items():
        print(f"\n{sort}: {len(examples)}", *examples[:12], sep="\n  ")
    return 1 if table.failures or len(answers) != chosen.cases else 0


if __name__ == "__main__":
    sys.exit(main())
