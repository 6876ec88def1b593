"""The trust tests on nets of which it is known whether their maps can be believed.

    python -m benchmarks.acceptance.trust --seeds 2 --output acceptance

On the binary world: a local net for the true law and one for a wrong law, and the global painter, the control that has
to fail, for both. Then two local nets of other seeds, on the binary world and on the null world, where the maps of two
seeds have nothing to agree on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.acceptance import worlds
from benchmarks.acceptance.experiments import PAINTED, config, trusted
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.analysis.trust.verdict import judge, verdict
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table

__all__ = ["NETS", "agreeing", "main"]

# 16 channels take no longer than 8 on a processor with wide vectors.
_WIDTH = {"c": 16}
NETS: dict[str, dict[str, Any]] = {
    "local": _WIDTH,
    "local, wrong g": {**_WIDTH, "hypothesis": PAINTED["hypothesis"]},
    "painter": {**_WIDTH, **PAINTED},
    "painter, true g": {**_WIDTH, **PAINTED, "hypothesis": worlds.TRUE_LAW},
}


def agreeing(folder: Path, seed: int, world: str) -> Results:
    """How far the maps of two seeds of one recipe agree on a world."""
    from copper_tf.analysis.trust.trust import trust
    from copper_tf.training.loop import train

    built = worlds.dataset(folder, seed, world=world)
    with progress_bar() as progress:
        first, second = (
            train(
                config(number, **_WIDTH), built, folder / "runs" / f"{world}-seed{number}", resume=True,
                progress=progress,
            )
            for number in (2 * seed, 2 * seed + 1)
        )  # fmt: skip
        values: Results = trust(first, [second], progress).values
    return values


def _table(found: dict[str, Results]) -> None:
    judged = {net: judge({k: float(v) for k, v in values.items()}) for net, values in found.items()}
    rows = []
    for k, test in enumerate(next(iter(judged.values()))):
        rows.append([test.title, *(f"{number(j[k].value)} {j[k].outcome}" for j in judged.values())])
    rows.append(["verdict", *(verdict(j)[0] for j in judged.values())])
    print_table(["test", *judged], rows)


def main(arguments: list[str] | None = None) -> int:
    """Trains and tests what is missing, and prints a table for each seed."""
    asked = parser(__doc__, 2).parse_args(arguments)
    for seed in seeds_of(asked):
        found = {net: kept(asked.output, seed, f"trust {net}", trusted, **settings) for net, settings in NETS.items()}
        for world in ("binary", "null"):
            name = f"two seeds, {world} world"
            found[name] = kept(asked.output, seed, f"trust {name}", agreeing, world=world)
        print(f"seed {seed}")
        _table(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
