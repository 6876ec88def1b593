"""Killed at random moments, does `copper hypotheses` end in the same table? 6 hypotheses x 5 seeds, ten kills.

    python -m benchmarks.search.kills --kills 10

Two folders of the same small world: one is never interrupted, the other is killed (SIGKILL, with all its children) and
called again with --resume until it has been killed often enough. The exit code is 1 where the tables differ.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.search.killing import copper_command, killed
from copper_tf.analysis.hypotheses.results import STUDY

__all__ = ["main"]

_HYPOTHESES = ("linear", "sqrt", "square", "exponential", "logarithmic", "sine")
_SETTINGS = "--crop 48 --margin 8 --c 4 --d 1 --epochs 3 --policy float32 --seeds 5 --permutations 0"
# Python and TensorFlow alone take some seconds to start; a kill comes anywhere from then on.
_FROM, _TO = 6.0, 25.0


def _command(data: Path, output: Path) -> list[str]:
    own = copper_command("hypotheses", str(data), "-o", str(output), "--resume")
    return [*own, "--compare", *_HYPOTHESES, *_SETTINGS.split()]


def _table(output: Path) -> list[Any]:
    found = json.loads((output / STUDY).read_text())
    return [(r["name"], r["nmse"], r["validation_nmse"], r["interval"]) for r in found["hypotheses"]]


def main(arguments: list[str] | None = None) -> int:
    """Runs both folders, prints how it went, returns the exit code."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--kills", type=int, default=10, help="how often it is killed")
    flags.add_argument("--seed", type=int, default=0, help="of the moments")
    asked = flags.parse_args(arguments)
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        world = ["--labels", "6", "--pictures", "12", "--sheets", "6", "--height", "64", "--width", "80"]
        quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(copper_command("simulate", str(root / "world"), *world), **quiet)
        subprocess.run(
            [*copper_command("build"), str(root / "world"), "-o", str(root / "data"), "--split", "6/3/3"], **quiet
        )
        started = time.monotonic()
        subprocess.run(_command(root / "data", root / "whole"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        whole = time.monotonic() - started
        kills = 0
        while kills < asked.kills and killed(_command(root / "data", root / "broken"), draw.uniform(_FROM, _TO)):
            kills += 1
            done = len(list((root / "broken" / "runs").glob("*/scores/boundary_bias.json")))
            print(f"killed {kills} times, {done} runs done", flush=True)
        subprocess.run(_command(root / "data", root / "broken"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        same = _table(root / "whole") == _table(root / "broken")
        runs = len(list((root / "whole" / "runs").glob("*/config.json")))
    print(
        f"{runs} runs, {whole:.0f} s unbroken; killed {kills} times: the tables are {'equal' if same else 'DIFFERENT'}"
    )
    return 0 if same and kills == asked.kills else 1


if __name__ == "__main__":
    sys.exit(main())
