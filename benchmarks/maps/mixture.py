"""Are textures mixtures of two? What `copper trust` asks without a network, of surfaces of two phases and by degrees.

    python -m benchmarks.maps.mixture --seeds 3
    python -m benchmarks.maps.mixture --seeds 1 --surfaces tiles --tiles FOLDER   # a SEM folder with truth/

The surfaces are those of `benchmarks.maps.unknown_law`, and more that change by degrees: from .9 to .2 or from .7 to .4
alone, with grains .6 times or twice as wide, and with sheets that differ three times as far.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import RESULTS
from benchmarks.maps.unknown_law import BY_DEGREES, SURFACES, TILES, world
from benchmarks.seeds import Results, add_rows, kept, parser, seeds_of, spread
from copper_tf.analysis.trust.verdict import TESTS
from copper_tf.cli.tables import print_table

__all__ = ["main", "measured"]


def measured(folder: Path, seed: int, surface: str, tiles: Path | None) -> Results:
    """The share of the change of texture that no mixture explains; None where the texture doesn't follow t."""
    from copper_tf.analysis.trust.mixture import mixture_of

    return {"mixture": mixture_of(world(folder, seed, surface, tiles))}


def main(arguments: list[str] | None = None) -> int:
    """Measures what is missing, prints the table, adds it to ``benchmarks/results/mixture.json``."""
    surfaces = SURFACES | BY_DEGREES
    flags = parser(__doc__ or "", 3, "acceptance/unknown_law")
    flags.add_argument("--surfaces", nargs="*", default=list(surfaces), choices=[*surfaces, TILES])
    flags.add_argument("--tiles", type=Path, help=f"SEM folder of the surface {TILES!r}; each seed has another fold")
    asked = flags.parse_args(arguments)
    test = next(test for test in TESTS if test.name == "mixture")
    rows, every, seeds = [], [], seeds_of(asked)
    for surface in asked.surfaces:
        given = {"surface": surface, "tiles": asked.tiles}
        found = [kept(asked.output, seed, f"mixture {surface}", measured, **given)["mixture"] for seed in seeds]
        every += [{"surface": surface, "seed": seed, "mixture": one} for seed, one in zip(seeds, found, strict=True)]
        known = [one for one in found if one == one]
        rows.append([surface, spread(known) if known else "-", ", ".join(test.outcome(one) for one in found)])
    if asked.just is None:
        add_rows(RESULTS / "mixture.json", "surfaces", every, ("surface", "seed"))
    print_table(["surface", "mixture", "outcome"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
