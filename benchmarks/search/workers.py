"""Three workers against one, and kills at random moments: do `copper search`'s trials and winner stay the same?

    python -m benchmarks.search.workers --kills 10 --output acceptance/search

On the world of `benchmarks.search.search`, with short trainings. With grid and random, three workers must do the same
trials with the same scores as one process; with the adaptive oracles the winner must be within one standard error
of that of one process. Then a search by one process and one by two workers are killed at random moments (SIGKILL:
all of it, which is then called again, or the chief or a worker alone); no trial that was finished may be done
again or get lost. The exit code is 1 where one of these doesn't hold.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.search.killing import copper_command, kill_all, kill_named, started
from benchmarks.search.search import SETTINGS, SPACE, searched, world
from copper_tf.cli.tables import print_table
from tuning.cluster import CHIEF
from tuning.oracles import ORACLES
from tuning.summary import RESULT

__all__ = ["SHORT", "finished_trials", "main", "times_of_scores"]

_SPACE = ("n=1", "N=1", "c=4,8", "d=1,2,3")
# Trainings of seconds.
SHORT = ("--epochs", "9", "--crops", "1")
# Python and TensorFlow alone take some seconds to start; a kill comes anywhere from then on.
_FROM, _TO = 8.0, 25.0
_ALL = "all"


def finished_trials(found: dict[str, Any]) -> dict[str, Any]:
    """Epochs and scores of every trial of a search that was trained."""
    return {row["name"]: (row["epochs"], row["rungs"]) for row in found["trials"] if row["epochs"]}


def _compared(output: Path) -> tuple[list[list[str]], bool]:
    """One row for each oracle: one process against three workers."""
    rows, good = [], True
    for oracle in ORACLES:
        budget = ("--budget", "1" if oracle == "grid" else "0.5")
        seconds, found = [], []
        for workers in (1, 3):
            started = time.monotonic()
            words = ("--oracle", oracle, "--workers", str(workers), *budget, *SHORT)
            found.append(searched(output, f"{oracle}-by-{workers}", *words, space=_SPACE))
            seconds.append(time.monotonic() - started)
        alone, together = found
        same = finished_trials(alone) == finished_trials(together)
        value = {row["name"]: row["objective"] for row in (*together["trials"], *alone["trials"])}
        near = value[together["best"]] >= value[alone["best"]] - alone["standard_error"]
        right = same and alone["best"] == together["best"] if oracle in ("grid", "random") else near
        good &= right
        said = "the same trials" if same else "other trials"
        names = [alone["best"], together["best"]]
        rows.append([oracle, *(f"{s:.0f}" for s in seconds), said, *names, "" if right else "WRONG"])
    return rows, good


def times_of_scores(folder: Path) -> dict[str, int]:
    """When each result of a trial was written."""
    return {str(f): f.stat().st_mtime_ns for f in folder.glob("runs/*/scores/trial.json")}


def _struck(command: list[str], folder: Path, workers: int, kills: int, draw: random.Random) -> Iterator[str]:
    """Kills a search again and again: all of it, which is then called anew, or the chief or a worker alone."""
    victims = [_ALL, *([CHIEF, *(f"worker{k}" for k in range(workers))] if workers > 1 else [])]
    process, done = started(command), 0
    try:
        while done < kills:
            time.sleep(draw.uniform(_FROM, _TO))
            if process.poll() is not None:
                return
            victim = draw.choice(victims)
            if victim == _ALL:
                kill_all(process)
                process = started(command)
            elif not kill_named(victim, folder):
                continue
            done += 1
            yield victim
        process.wait()
    finally:
        kill_all(process)


def _broken(output: Path, workers: int, kills: int, draw: random.Random) -> tuple[str, bool]:
    """A grid that is killed again and again, against the unbroken one: (in words, whether all is there, once)."""
    folder = output / f"killed-by-{workers}"
    own = copper_command("search", "classifier", str(world(output)), "-o", str(folder), *SETTINGS, *SHORT)
    command = [*own, "--oracle", "grid", "--workers", str(workers), "--resume", "--space", *SPACE]
    done: dict[str, int] = {}
    struck, again = [], 0
    for victim in _struck(command, folder, workers, kills, draw):
        struck.append(victim)
        now = times_of_scores(folder)
        # In a grid every trial is scored once.
        again += sum(file not in now or now[file] != stamp for file, stamp in done.items())
        done = now
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    found = json.loads((folder / RESULT).read_text())
    whole = searched(output, "unbroken", "--oracle", "grid", *SHORT)
    good = again == 0 and finished_trials(found) == finished_trials(whole)
    counts = ", ".join(f"{struck.count(victim)} x {victim}" for victim in dict.fromkeys(struck))
    said = f"{workers} at work, {len(struck)} kills ({counts}): {again} finished trials done again or lost"
    return said, good and len(struck) == kills


def main(arguments: list[str] | None = None) -> int:
    """Does what is missing, prints how it went, returns the exit code."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--kills", type=int, default=10, help="how often each is killed")
    flags.add_argument("--seed", type=int, default=0, help="of the moments")
    flags.add_argument("--output", type=Path, default=Path("acceptance/search"), help="where runs are kept")
    asked = flags.parse_args(arguments)
    rows, good = _compared(asked.output)
    print_table(["oracle", "s by 1", "s by 3 workers", "", "best by 1", "best by 3", ""], rows)
    for workers in (1, 2):
        said, right = _broken(asked.output, workers, asked.kills, random.Random(asked.seed + workers))
        good &= right
        print(said, "" if right else "WRONG")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
