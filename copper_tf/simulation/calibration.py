"""How the constants of `equalisation_data` are made; `write_constants` makes them again when the surface changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.special import ndtr

from copper_tf.simulation.equalisation import LEVELS
from copper_tf.simulation.equalisation_data import SCALES
from copper_tf.simulation.noise import generator
from copper_tf.simulation.surface import Appearance, phase_signals

__all__ = ["calibrate", "write_constants"]

_PHASES = ("rough", "smooth")


def _appearances(rng: np.random.Generator, count: int, scale: float) -> list[Appearance]:
    """Looks that cover what `picture` draws, evenly."""
    draws = rng.permuted(np.tile((np.arange(count) + 0.5) / count * 2 - 1, (4, 1)), axis=1)
    return [
        Appearance(scale * np.exp(0.05 * s), exponent=1 + 0.2 * n, azimuth=np.pi / 3 + 0.3 * a, defocus=0.65 + 0.2 * d)
        for s, n, a, d in draws.T
    ]


def calibrate(
    scale: float = 1.0, count: int = 32, shape: tuple[int, int] = (480, 640)
) -> tuple[dict[str, list[float]], float]:
    """Measures the signals of both phases over many pictures.

    Args:
        scale: factor on every length of the surface.
        count: number of pictures.
        shape: (height, width) of each in px.

    Returns:
        For each phase the quantiles of its signal at the probabilities of `LEVELS`, and the correlation of the
        phases' standard scores.
    """
    appearances = _appearances(generator(20_220), count, scale)
    pairs = [phase_signals(generator(20_221, k), shape, appearance) for k, appearance in enumerate(appearances)]
    quantiles, standard = {}, []
    for number, phase in enumerate(_PHASES):
        pooled = np.concatenate([pair[number].ravel() for pair in pairs]).astype(np.float64)
        quantiles[phase] = np.quantile(pooled, ndtr(LEVELS))
        standard.append(np.interp(pooled, quantiles[phase], LEVELS))
    correlation = float(np.corrcoef(standard[0], standard[1])[0, 1])
    return {phase: [round(float(q), 4) for q in values] for phase, values in quantiles.items()}, round(correlation, 4)


def write_constants(path: Path) -> Path:
    """Writes what `calibrate` finds, at every scale of the table, as the module `equalisation_data`.

    Args:
        path: where to write, e.g. ``copper_tf/simulation/equalisation_data.py``.
    """
    # Finer structure than the beam looks different: hence several scales.
    found = [calibrate(scale) for scale in SCALES]
    lines = ['"""Constants measured by `calibration.calibrate`; written by it, not by hand."""', ""]
    lines += ["from __future__ import annotations", "", "# fmt: off", ""]
    lines += ['__all__ = ["CORRELATIONS", "QUANTILES", "SCALES"]', ""]
    lines += [
        f"SCALES = {SCALES}",
        f"CORRELATIONS = {tuple(correlation for _, correlation in found)}",
        "QUANTILES = {",
    ]
    for phase in _PHASES:
        lines += [f'    "{phase}": (']
        for quantiles, _ in found:
            rows = [", ".join(map(str, quantiles[phase][k : k + 11])) for k in range(0, len(quantiles[phase]), 11)]
            lines += ["        (", *(f"            {row}," for row in rows), "        ),"]
        lines += ["    ),"]
    path.write_text("\n".join([*lines, "}"]) + "\n", encoding="utf-8")
    return path
