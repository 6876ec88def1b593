"""Does what needs no mask find the best of several networks? Of the results of `benchmarks.maps.unknown_law`.

    python -m benchmarks.maps.ranking

The networks of one surface (and seed) are ranked by each criterion and, beside it, by the true IoU of their maps: the
rank correlation of both, and the regret, which is the best IoU less that of the network that the criterion ranks first.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks import RESULTS
from benchmarks.maps.unknown_law import CANDIDATES, RECIPES
from copper_tf.analysis.trust.verdict import NOT_SUPPORTED, SUPPORTED, TESTS, UNDECIDED
from copper_tf.cli.tables import print_table

__all__ = ["CRITERIA", "by_surface", "judged", "main", "ranked", "right_and_supported", "split_name", "summary"]

Network = Mapping[str, Any]
_LEAST = 3
# How near to the best IoU of its surface a network is as good, and which IoU is right and which is wrong.
_NEAR, _RIGHT, _WRONG = 0.03, 0.7, 0.6
_VERDICTS = (NOT_SUPPORTED, UNDECIDED, SUPPORTED)


def _trust(network: Network, name: str) -> float:
    value = network["trust"].get(name)
    return math.nan if value is None else float(value)


def _least_margin(network: Network) -> float:
    """How far the worst of the decisive tests is inside its limits: 1 where it passes, 0 where it fails."""
    margins = []
    for test in TESTS:
        value = _trust(network, test.name)
        if test.decisive and math.isfinite(value):
            margins.append((value - test.fails) / (test.passes - test.fails))
    return min(margins)


# From a network's results to a number: the larger, the better its maps are believed to be.
CRITERIA: dict[str, Callable[[Network], float]] = {
    "binarity": lambda network: _trust(network, "binarity"),
    "NMSE on held-out sheets": lambda network: -_trust(network, "nmse"),
    "deletion": lambda network: -_trust(network, "deletion_error"),
    "measured reach": lambda network: -_trust(network, "reach_ratio"),
    "worst decisive test of trust": _least_margin,
    "verdict, then binarity": lambda network: _VERDICTS.index(network["verdict"]) + _trust(network, "binarity"),
}


def split_name(name: str) -> tuple[str, str]:
    """(surface, recipe) of a result's name.

    Args:
        name: as `benchmarks.maps.unknown_law` writes it, without blanks.
    """
    endings = {recipe.replace(" ", "_"): recipe for recipe in (*RECIPES, *CANDIDATES)}
    ending = next(ending for ending in endings if name.endswith(f"_{ending}"))
    return name.removesuffix(f"_{ending}").replace("_", " "), endings[ending]


def judged(network: Network) -> bool:
    """Whether a network has masks to be scored against, and a verdict."""
    return bool(network.get("trust")) and network.get("iou") is not None


def by_surface(content: Mapping[str, Mapping[str, Network]]) -> dict[str, dict[str, Network]]:
    """The networks with masks and a verdict, by surface and seed, where there are at least three of them.

    Args:
        content: of ``benchmarks/results/unknown_law.json``: by seed and ``surface_recipe``.
    """
    found: dict[str, dict[str, Network]] = {}
    for seed, networks in content.items():
        for name, network in networks.items():
            if judged(network):
                surface, recipe = split_name(name)
                found.setdefault(f"{surface}, seed {seed}", {})[recipe] = network
    return {surface: networks for surface, networks in found.items() if len(networks) >= _LEAST}


def ranked(networks: Mapping[str, Network], criterion: Callable[[Network], float]) -> tuple[float, float, str]:
    """Rank correlation of a criterion with the IoU, its regret, and the network that it ranks first.

    Args:
        networks: of one surface, by name.
        criterion: of `CRITERIA`.
    """
    names = list(networks)
    ious = np.array([networks[name]["iou"] for name in names])
    scores = np.nan_to_num([criterion(networks[name]) for name in names], nan=-np.inf)
    first = int(np.argmax(scores))
    return float(spearmanr(scores, ious).statistic), float(ious.max() - ious[first]), names[first]


def right_and_supported(surfaces: Mapping[str, Mapping[str, Network]]) -> tuple[int, int, int]:
    """(supported networks near the best of their surface, all networks near the best, supported ones that are wrong).

    Args:
        surfaces: from `by_surface`.
    """
    near = supported = wrong = 0
    for networks in surfaces.values():
        best = max(network["iou"] for network in networks.values())
        for network in networks.values():
            is_near, is_supported = best - network["iou"] <= _NEAR, network["verdict"] == SUPPORTED
            near += is_near
            supported += is_near and is_supported
            wrong += best >= _RIGHT and network["iou"] < _WRONG and is_supported
    return supported, near, wrong


def summary(surfaces: Mapping[str, Mapping[str, Network]]) -> dict[str, tuple[float, float, float, float]]:
    """Of each criterion the mean and least rank correlation over the surfaces, and the mean and largest regret.

    Args:
        surfaces: from `by_surface`.
    """
    found = {}
    for name, criterion in CRITERIA.items():
        each = [ranked(networks, criterion) for networks in surfaces.values()]
        correlations, regrets = [one[0] for one in each], [one[1] for one in each]
        found[name] = (
            float(np.nanmean(correlations)), float(np.nanmin(correlations)), float(np.mean(regrets)), max(regrets),
        )  # fmt: skip
    return found


def main(arguments: list[str] | None = None) -> int:
    """Prints a row for each criterion: mean and least rank correlation, mean and largest regret over the surfaces."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--results", type=Path, default=RESULTS / "unknown_law.json", help="of the networks")
    surfaces = by_surface(json.loads(flags.parse_args(arguments).results.read_text()))
    rows = [[name, *(f"{number:.3f}" for number in numbers)] for name, numbers in summary(surfaces).items()]
    count = sum(map(len, surfaces.values()))
    print(f"{count} networks of {len(surfaces)} surfaces")
    supported, near, wrong = right_and_supported(surfaces)
    print(f"supported are {supported} of {near} networks within {_NEAR} of the best IoU of their surface")
    print(f"supported with an IoU under {_WRONG} where the best has {_RIGHT} or more: {wrong}")
    print_table(["criterion", "rank correlation", "least", "regret (IoU)", "largest"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
