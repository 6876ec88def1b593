"""How each file of ``benchmarks/results`` was made: command, machine, day. Whoever measures anew changes them here."""

from __future__ import annotations

import dataclasses

__all__ = ["SOURCES", "Source"]


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a result comes from.

    Attributes:
        command: that makes it.
        machine: that it was measured on.
        day: of the measurement, ISO 8601.
    """

    command: str
    machine: str
    day: str


_EPYC = "2 cores of an AMD EPYC with AVX-512, no GPU"
_XEON = "2 cores of an Intel Xeon with AVX-512, no GPU"
_AMX = "2 cores of an Intel Xeon with AMX, no GPU"

SOURCES = {
    "acceptance": Source("make acceptance SEEDS=5 JOBS=2", _EPYC, "2026-11-25"),
    "acceptance-kl": Source("python -m benchmarks.acceptance.acceptance --seeds 1 --loss kl", _EPYC, "2026-11-28"),
    "better_maps": Source("python -m benchmarks.maps.better_maps --seeds 3", _EPYC, "2026-11-28"),
    "building": Source("python -m benchmarks.data.building", _XEON, "2026-11-24"),
    "bulk": Source("python -m benchmarks.speed.bulk --rounds 3", _EPYC, "2026-11-28"),
    "classifier_settings": Source(
        "python -m benchmarks.classifier_settings --just SEED --tiles TILES --surfaces SURFACE --recipes RECIPE",
        "1 core of an Intel Xeon with AMX or an AMD EPYC, no GPU", "2026-12-01",
    ),
    "decisions": Source("python -m benchmarks.decisions.studies", "1 core; the machine has no influence", "2026-11-30"),
    "duplicates": Source("python -m benchmarks.data.duplicates", _EPYC, "2026-11-30"),
    "evaluation": Source("python -m benchmarks.speed.evaluation paper/segmenter", _EPYC, "2026-11-30"),
    "fit": Source(
        "python -m benchmarks.fit --just SEED --surfaces SURFACE --tiles TILES --budget MINUTES",
        "1 core of an AMD EPYC with AVX-512, no GPU; of `paper` 2", "2026-12-01",
    ),
    "guard_rails": Source(
        "python -m benchmarks.maps.ood --seeds 3 --real TILES COATINGS", "no network; the machine has no influence",
        "2026-11-25",
    ),
    "imbalance": Source("python -m benchmarks.data.imbalance --seeds 3", _EPYC, "2026-11-30"),
    "inference": Source("python -m benchmarks.speed.inference", _EPYC, "2026-11-28"),
    "laws": Source("python -m benchmarks.acceptance.laws --worlds 10 --jobs 2", _EPYC, "2026-11-25"),
    "marks_leak": Source(
        "python -m benchmarks.data.marks_leak --seeds 3 --all-readers 3", _EPYC, "2026-11-30"
    ),
    "memory": Source("python -m benchmarks.speed.memory", _AMX, "2026-11-29"),
    "mosaic": Source("python -m benchmarks.speed.mosaic", _XEON, "2026-11-24"),
    "paper": Source("make paper BUDGET=1.3", _EPYC, "2026-11-30"),
    "pipeline": Source("python -m benchmarks.data.pipeline", _EPYC, "2026-11-28"),
    "mixture": Source("python -m benchmarks.maps.mixture --seeds 2", _EPYC, "2026-12-01"),
    "quality": Source(
        "python -m benchmarks.quality; python -m benchmarks.quality --scale paper --rounds 1", f"{_EPYC}, or {_AMX}",
        "2026-12-01",
    ),
    "reimaging": Source("python -m benchmarks.decisions.reimaging --seeds 2", _EPYC, "2026-11-30"),
    "search": Source("python -m benchmarks.search.search --seeds 3", "1 core of an AMD EPYC, no GPU", "2026-11-25"),
    "starts": Source("python -m benchmarks.maps.restarts --seeds 1", _EPYC, "2026-11-28"),
    "step": Source("python -m benchmarks.speed.step", _AMX, "2026-11-29"),
    "streaming": Source("python -m benchmarks.speed.prefetch", _EPYC, "2026-11-28"),
    "superalloy": Source(
        "python -m benchmarks.maps.superalloy TILES --seeds 5", "1 core of an Intel Xeon with AMX, no GPU",
        "2026-11-28",
    ),
    "unknown_law": Source(
        "python -m benchmarks.maps.unknown_law --just SEED --surfaces ... --recipes ... --tiles TILES",
        "1 thread of an AMD EPYC or an Intel Xeon, no GPU",
        "2026-12-01",
    ),
}  # fmt: skip
