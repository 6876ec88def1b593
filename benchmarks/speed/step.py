"""How fast a training step is: ours against Keras' own layers and against the best of PyTorch, in one run.

    python -m benchmarks.speed.step                                 # classifier, U-Net, segmenter of --preset paper
    python -m benchmarks.speed.step --just u-net --rounds 31        # one of them, more rounds
    python -m benchmarks.speed.step --borders reflect               # as `copper train` has them where nothing is set
    python -m benchmarks.speed.step --busy               # where other programs run: one thread, processor time

A step is forward pass, loss, backward pass and Adam on one batch that stays. Every contestant steps in a process of its
own; they take turns, and medians and fastest times count. All of them have the same architecture, once with mirrored
borders and once with zeros; ours is what `copper train` runs, metrics included.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np

from benchmarks import RESULTS
from benchmarks.speed.peak import KINDS, forward_operations, matrix_peaks, share
from benchmarks.speed.racing import contend, peers_python, race
from copper_tf.cli.tables import print_table
from copper_tf.config import PAPER, Config, default_config
from copper_tf.models.picture_sizes import padded_size
from tfds_copper.files import write_json

__all__ = ["BORDERS", "LABELS", "STEPS", "config_of", "fit_step", "main", "side_of", "stepper", "torch_step"]

_RESULTS = RESULTS / "step.json"
_ROUNDS, LABELS, _BATCH = 15, 16, 8
_LARGE = {"n": 2, "N": 1, "d": 4, "c": 32, "crop": 256, "batch_size": _BATCH}
STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "classifier": ("classifier", _LARGE),
    "u-net": ("segmenter", {**_LARGE, "margin": 0}),
    "segmenter, preset paper": ("segmenter", {}),
}
# What convolutions see beyond the border.
BORDERS = ("reflect", "zero")
# How many times as fast as the best of PyTorch ours must be.
_REQUIRED = {"classifier": 2.0, "u-net": 1.5}
_KEYS = ("seconds", "fastest", "processor")
# One thread, whose seconds of a processor hardly change where others work beside.
_ALONE = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
_POLICIES = dict(zip(KINDS, ("float32", "mixed_bfloat16"), strict=True))


def config_of(name: str, borders: str = BORDERS[0]) -> Config:
    """The config of a network by its name in `STEPS`, with such borders."""
    kind, settings = STEPS[name]
    return default_config(kind, PAPER, **settings, padding=borders)


def side_of(config: Config) -> int:
    """Side of a training crop in px, its margin included."""
    return padded_size(config.data.crop + 2 * config.data.margin, config.model.d)


def fit_step(config: Config, made: Callable[..., Any], policy: str, jit: bool = False) -> Callable[[], object]:
    """Does a step of `model.fit` on one cached batch.

    Args:
        config: of the network and its training.
        made: builds the network from the config, the number of labels, and a dtype policy.
        policy: Keras dtype policy.
        jit: whether XLA compiles the step.
    """
    import keras
    import tensorflow as tf

    from copper_tf.training.loop import compile_model

    keras.utils.set_random_seed(0)
    model = made(config, LABELS, policy)
    compile_model(model, config, tuple(np.linspace(1, 0, LABELS)))
    model.jit_compile = jit
    side = side_of(config)
    crops = np.random.default_rng(0).normal(size=(config.training.batch_size, side, side, 1)).astype(np.float32)
    labels = np.arange(config.training.batch_size, dtype=np.int32) % LABELS
    steps = iter(tf.data.Dataset.from_tensors((crops, labels)).cache().repeat())
    model.make_train_function()
    return lambda: float(model.train_function(steps)["loss"])


def stepper(name: str, who: str, kind: str, borders: str = BORDERS[0]) -> Callable[[], object]:
    """Does a step of a network by its name.

    Args:
        name: of the network, in `STEPS`.
        who: ``"copper_tf"``, or ``"keras"`` for the same of Keras' own layers.
        kind: precision of the convolutions, one of `KINDS`.
        borders: one of `BORDERS`.
    """
    from benchmarks.speed.keras_peer import plain_model
    from copper_tf.models.factory import build

    return fit_step(config_of(name, borders), {"copper_tf": build, "keras": plain_model}[who], _POLICIES[kind])


def torch_step(config: Config, kind: str, how: str) -> list[str]:
    """The command by which PyTorch does the same step."""
    model = config.model
    numbers = (config.training.batch_size, side_of(config), config.data.margin, model.d, model.c, model.n, model.N)
    peer = [str(peers_python()), "-m", "benchmarks.speed.torch_peer", "step", config.kind, model.padding]
    return [*peer, *map(str, numbers), kind, how]


def _commands(name: str, config: Config) -> dict[str, list[str]]:
    """Who takes part: ours and Keras' in two precisions, PyTorch in its four ways."""
    own = [sys.executable, "-m", "benchmarks.speed.step", "--contestant", name]
    ways = itertools.product(KINDS, ("eager", "compiled"))
    torch = {f"torch {kind} {how}": torch_step(config, kind, how) for kind, how in ways}
    here = itertools.product(("copper_tf", "keras"), KINDS)
    return {f"{who} {k}": [*own, who, k, config.model.padding] for who, k in here} | torch


def _best(times: dict[str, dict[str, float]], who: str, key: str) -> str:
    """The fastest of those whose names begin so."""
    return min((name for name in times if name.startswith(who)), key=lambda name: times[name][key])


def _raced(name: str, borders: str, rounds: int, peaks: dict[str, float], key: str) -> dict[str, Any]:
    """Measures one network and prints its table."""
    config = config_of(name, borders)
    operations = 3 * config.training.batch_size * forward_operations(config, side_of(config), side_of(config))
    times = race(_commands(name, config), rounds)
    ours = times[_best(times, "copper_tf", key)]
    rows = []
    for who, of in sorted(times.items(), key=lambda item: item[1][key]):
        shown = [f"{1000 * of[k]:.0f}" for k in _KEYS] + [f"{of[k] / ours[k]:.2f}" for k in _KEYS]
        rows.append([who, *shown, share(operations, min(of[k] for k in _KEYS), peaks, who), f"{of['peak_mb']:.0f}"])
    about = f"{operations / 1e9:.0f} GFLOP a step, {config.training.batch_size} crops of {side_of(config)} px"
    print(f"\n{name}, {borders}: {about}")
    heads = ["", *(f"{k}, ms" for k in _KEYS), *(f"{k}, ratio" for k in _KEYS), "share of peak", "peak MB"]
    print_table(heads, rows)
    ratios = {}
    for peer in ("keras", "torch"):
        of = times[_best(times, peer, key)]
        ratios[peer] = {k: of[k] / ours[k] for k in _KEYS}
    return {"gflop": operations / 1e9, "times": times, "ratios": ratios}


def _keep(found: dict[tuple[str, str], dict[str, Any]], peaks: dict[str, float]) -> None:
    """Writes what was measured, each network with its machine; those not measured now stay."""
    versions = {package: metadata.version(package) for package in ("tensorflow", "keras", "numpy")}
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    kept = json.loads(_RESULTS.read_text()) if _RESULTS.is_file() else {}
    about = {"machine": machine, "versions": versions, "peaks": peaks}
    write_json(_RESULTS, kept | {", ".join(names): {**about, **of} for names, of in found.items()})


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the tables, writes ``benchmarks/results/step.json``; 1 if a requirement is missed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--contestant", nargs=4, metavar=("NAME", "WHO", "KIND", "BORDERS"), help=argparse.SUPPRESS)
    flags.add_argument("--just", choices=tuple(STEPS), help="only this network; results of the others stay")
    flags.add_argument("--borders", choices=BORDERS, help="only these borders")
    flags.add_argument(
        "--busy", action="store_true", help="one thread each, compared by processor time; no file is written"
    )
    flags.add_argument("--rounds", type=int, default=_ROUNDS, help="steps of each contestant that are timed")
    asked = flags.parse_args(arguments)
    if asked.contestant:
        contend(stepper(*asked.contestant), warm=3)
        return 0
    key = "processor" if asked.busy else "seconds"
    if asked.busy:
        os.environ |= _ALONE
    peaks = matrix_peaks("processor" if asked.busy else "fastest")
    print_table(["matrix multiplication", "GFLOP/s"], [[kind, f"{peak / 1e9:.0f}"] for kind, peak in peaks.items()])
    found = {
        (name, borders): _raced(name, borders, asked.rounds, peaks, key)
        for name in ([asked.just] if asked.just else STEPS)
        for borders in ([asked.borders] if asked.borders else BORDERS)
    }
    if not asked.busy:
        _keep(found, peaks)
    ratios = {names: of["ratios"]["torch"][key] for names, of in found.items()}
    missed = [
        f"{name}, {borders}: {ratio:.2f} times as fast as the best of PyTorch, {_REQUIRED[name]} needed"
        for (name, borders), ratio in ratios.items()
        if ratio < _REQUIRED.get(name, 0)
    ]
    print("\n".join(missed) or "all that is required is reached")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
