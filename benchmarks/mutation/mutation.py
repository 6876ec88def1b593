"""How many small changes of the code the tests notice, module by module.

    python -m benchmarks.mutation.mutation --count 50 --jobs 2

Each mutant is tried by the tests of its own room alone, in a process that is forked from one that has TensorFlow and
SciPy imported already; mutmut and cosmic-ray start an interpreter for each, which takes longer than the tests. The
exit code is 1 where fewer than the required share are killed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import RESULTS
from benchmarks.mutation.mutants import Mutant, sampled

__all__ = ["GROUPS", "Group", "main"]

ROOT = Path(__file__).resolve().parents[2]
# Mutants that no test can kill, each with its reason.
EQUIVALENT = Path(__file__).with_name("equivalent.json")
# Slowest passing run of the tests against a mutant, in times of the unchanged code's.
_PATIENCE, _LEAST_SECONDS = 6, 60.0
REQUIRED = 0.85


@dataclass(frozen=True)
class Group:
    """Modules that are mutated, and the tests that must notice.

    Attributes:
        modules: dotted names.
        tests: files or folders, the quickest first.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "splits": Group(
        ("tfds_copper.splits.assign", "tfds_copper.splits.groups", "tfds_copper.splits.optimisation"),
        ("tests/tfds_copper/splits",),
    ),
    "statistics": Group(
        tuple(f"copper_tf.statistics.{n}" for n in ("scores", "bootstrap", "chords")), ("tests/copper_tf/statistics",)
    ),
    "hypotheses": Group(
        (
            "copper_tf.decay.hypotheses", "copper_tf.decay.families", "copper_tf.decay.estimation",
            "copper_tf.decay.permutations", "copper_tf.decay.fitting",
        ),
        tuple(f"tests/copper_tf/decay/test_{n}.py" for n in ("hypotheses", "estimation", "permutations", "fitting")),
    ),
    "geometry": Group(
        ("copper_tf.models.picture_sizes", "copper_tf.models.network"),
        ("tests/copper_tf/models/test_picture_sizes.py",),
    ),
    "losses": Group(
        ("copper_tf.models.losses",), tuple(f"tests/copper_tf/models/test_{n}.py" for n in ("losses", "heads"))
    ),
}  # fmt: skip


def _file_of(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


class _Light:
    """Leaves out tests that train a network first or need pictures that not everyone has."""

    @staticmethod
    def pytest_collection_modifyitems(items: list[Any]) -> None:
        items[:] = [item for item in items if not {"runs", "dataset", "shared"} & set(item.fixturenames)]


class _Finder:
    """Has one module read from another file."""

    def __init__(self, module: str, file: Path) -> None:
        self.module, self.file = module, file

    def find_spec(self, name: str, *_: Any) -> Any:
        return importlib.util.spec_from_file_location(name, self.file) if name == self.module else None


def _tested(module: str, file: Path, tests: tuple[str, ...]) -> None:
    """Ends this process with pytest's exit code, 0 where the tests notice nothing."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    import pytest

    sys.meta_path.insert(0, _Finder(module, file))  # type: ignore[arg-type]
    os.chdir(ROOT)
    wanted = ["-x", "-p", "no:cacheprovider", "-m", "not slow"]
    os._exit(int(pytest.main([*wanted, *tests], plugins=[_Light])))


def _tried(context: Any, folder: Path, group: Group, limit: float, job: tuple[int, str, Mutant]) -> tuple[str, float]:
    """What became of a mutant: killed, survived or timeout; and the seconds it took."""
    number, module, mutant = job
    file = folder / f"m{number}.py"
    file.write_text(mutant.source, encoding="utf-8")
    begun = time.monotonic()
    process = context.Process(target=_tested, args=(module, file, group.tests))
    process.start()
    process.join(limit)
    seconds = time.monotonic() - begun
    if process.is_alive():
        process.kill()
        process.join()
        return "timeout", seconds
    return ("survived" if process.exitcode == 0 else "killed"), seconds


def _measured(name: str, group: Group, asked: argparse.Namespace, context: Any) -> dict[str, Any]:
    """Tries a group's mutants and prints those that survive."""
    sources = {module: _file_of(module).read_text(encoding="utf-8") for module in group.modules}
    chosen = sampled(sources, asked.count, asked.seed)
    same = json.loads(EQUIVALENT.read_text(encoding="utf-8")) if EQUIVALENT.is_file() else {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        unchanged = Mutant("<module>", 0, "", "", "", sources[group.modules[0]])
        outcome, seconds = _tried(context, folder, group, 3600.0, (-1, group.modules[0], unchanged))
        if outcome != "survived":
            raise SystemExit(f"{name}: the tests must pass on the unchanged code. Received: {outcome}")
        jobs = [(k, module, mutant) for k, (module, mutant) in enumerate(chosen)]
        limit = max(_LEAST_SECONDS, _PATIENCE * seconds)
        survivors, equivalent, timeouts = [], [], 0
        with ThreadPoolExecutor(asked.jobs) as pool:
            outcomes = pool.map(partial(_tried, context, folder, group, limit), jobs)
            for (module, mutant), (outcome, _) in zip(chosen, outcomes, strict=True):
                timeouts += outcome == "timeout"
                if outcome != "survived":
                    continue
                line = {"module": module, "line": mutant.line, "change": mutant.name}
                reason = same.get(f"{module} {mutant.name}")
                equivalent.append(line | {"reason": reason}) if reason else survivors.append(line)
                print(f"  {'equivalent' if reason else 'SURVIVED'}  {module}:{mutant.line}  {mutant.name}", flush=True)
    counted = len(chosen) - len(equivalent)
    killed = counted - len(survivors)
    return {
        "mutants": len(chosen), "killed": killed, "timeouts": timeouts, "survived": survivors,
        "equivalent": equivalent, "share": killed / counted if counted else 1.0,
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Prints the table, writes it as JSON, returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("groups", nargs="*", help=f"some of {', '.join(GROUPS)}; all by default")
    parser.add_argument("--count", type=int, default=50, help="mutants of each group")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of mutants")
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried side by side")
    parser.add_argument("--output", type=Path, default=RESULTS / "mutation.json", help="the JSON file")
    asked = parser.parse_args(arguments)
    names = asked.groups or list(GROUPS)
    if unknown := sorted(set(names) - set(GROUPS)):
        parser.error(f"groups must be some of {', '.join(GROUPS)}. Received: {', '.join(unknown)}")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["numpy", "scipy.optimize", "scipy.stats", "sklearn.model_selection", "pytest", "keras"]
    )
    table = {}
    for name in names:
        table[name] = row = _measured(name, GROUPS[name], asked, context)
        print(
            f"{name:12} {row['killed']:4} killed  {len(row['survived']):3} survived  {len(row['equivalent']):3} "
            f"equivalent  {row['share']:.0%}",
            flush=True,
        )
    kept = json.loads(asked.output.read_text(encoding="utf-8")) if asked.output.is_file() else {}
    asked.output.write_text(json.dumps(kept | table, indent=1) + "\n", encoding="utf-8")
    return int(any(row["share"] < REQUIRED for row in table.values()))


if __name__ == "__main__":
    sys.exit(main())
