"""Does `copper hypotheses` refuse where it must, and for the right reason? The four worlds, by the command itself.

    python -m benchmarks.acceptance.refusals --seeds 1 --output acceptance

The binary world has to be ranked with the true law first; gradual, null and confounded ones have to be refused. The
exit code is 1 where one is not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.acceptance import worlds
from benchmarks.acceptance.experiments import config
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.analysis.hypotheses.results import STUDY
from copper_tf.analysis.hypotheses.verdict import BRIGHTNESS, GAP, NOTHING, SUPPORTED
from copper_tf.cli.main import main as copper
from copper_tf.cli.tables import number, print_table
from copper_tf.config import PAPER, default_config

__all__ = ["EXPECTED", "asked_of", "main"]

# What the verdict has to hang on.
EXPECTED = {"binary": SUPPORTED, "gradual": GAP, "null": NOTHING, "confound": BRIGHTNESS}
_COMPARED = (worlds.TRUE_LAW, "square")
_ORDERS = 2


def asked_of(folder: Path, seed: int, world: str) -> Results:
    """What the command says of a world.

    Args:
        folder: of the seed.
        seed: of the world, the weights and the crops.
        world: its name.
    """
    built, output = worlds.dataset(folder, seed, world=world), folder / "hypotheses" / world
    settings, usual = config(seed).flat(), default_config("segmenter", PAPER).flat()
    flags = [
        word for name, value in settings.items() if value != usual[name] and name not in ("hypothesis", "seed")
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]  # fmt: skip
    compared = ["--compare", *_COMPARED, "--seed", str(seed), "--seeds", "1", "--permutations", str(_ORDERS)]
    if copper(["hypotheses", str(built.path), "-o", str(output), *compared, *flags, "--resume"]) > 1:
        raise SystemExit("copper hypotheses must end with a result")
    found = json.loads((output / STUDY).read_text())
    return {name: found[name] for name in ("verdict", "kinds", "gap", "brightness_qwk", "permuted")} | {
        "first": found["hypotheses"][0]["name"],
        "nmse": found["hypotheses"][0]["nmse"],
    }


def _right(world: str, found: Results) -> bool:
    if world == "binary":
        return found["verdict"] == SUPPORTED and found["first"] == worlds.TRUE_LAW
    return EXPECTED[world] in found["kinds"]


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, prints the table, returns the exit code."""
    asked = parser(__doc__, 1).parse_args(arguments)
    rows, good = [], True
    for seed in seeds_of(asked):
        for world in EXPECTED:
            found = kept(asked.output, seed, f"hypotheses {world}", asked_of, world=world)
            right = _right(world, found)
            good &= right
            said = found["verdict"] + (f" ({', '.join(found['kinds'])})" if found["kinds"] else "")
            levels = number(found["permuted"]["median"])
            numbers = [number(found["nmse"]), levels, number(found["gap"]), number(found["brightness_qwk"])]
            rows.append([f"{world}, seed {seed}", found["first"], *numbers, said, "" if right else "WRONG"])
    print_table(["world", "first", "NMSE", "permuted", "gap", "QWK of brightness", "verdict", ""], rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
