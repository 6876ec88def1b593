"""How fast a micrograph of 960x1280 px is mapped: what `copper export` writes against its peers, in one run.

    python -m benchmarks.speed.inference                            # n=2, N=1, d=4, c=32, and --preset paper
    python -m benchmarks.speed.inference --real RUN    # deviations on pictures of another run's test split too

Every contestant maps the same framed picture in a process of its own; they take turns, and the median counts. The
networks are trained for a few epochs on a simulated folder, so that there is a map to deviate from.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import RESULTS
from benchmarks.speed.peak import KINDS, forward_operations, matrix_peaks, share
from benchmarks.speed.racing import contend, peers_python, race
from copper_tf.cli.tables import print_table
from copper_tf.models.picture_sizes import padded_size
from tfds_copper.files import write_json

__all__ = ["main"]

_RESULTS = RESULTS / "inference.json"
_HEIGHT, _WIDTH, _ROUNDS, _EPOCHS = 960, 1280, 7, 3
_OURS = ("openvino-int8", "openvino", "onnx")
_KERAS = "model.predict"
_NETWORKS: dict[str, dict[str, Any]] = {"n=2 N=1 d=4 c=32": {"d": 4, "c": 32, "margin": 32}, "preset paper": {}}
# What is required of the fastest, and of whom.
_REQUIRED = {"onnx": 2.0, _KERAS: 2.0, "torch bfloat16 compiled": 1.2}


def _picture() -> np.ndarray:
    return np.random.default_rng(0).random((1, _HEIGHT, _WIDTH, 1), np.float32)


def _framed(run: Any) -> tuple[int, int]:
    """Height and width in px of the picture once it is mirrored on beyond its borders."""
    from copper_tf.inference.predictor import frame

    height, width = (padded_size(side, run.config.model.d) + 2 * frame(run.config) for side in (_HEIGHT, _WIDTH))
    return height, width


def _contestant(name: str, place: Path) -> None:
    """Serves as one of ours."""
    from copper_tf.runs.run import open_run

    grey = _picture()
    if name == _KERAS:
        from copper_tf.inference.predictor import frame

        run = open_run(place / "run")
        model, around = run.load_model(), frame(run.config)
        beyond = [(around, whole - side - around) for side, whole in zip(grey.shape[1:3], _framed(run), strict=True)]
        framed = np.pad(grey, [(0, 0), *beyond, (0, 0)], mode="symmetric")
        contend(lambda: model.predict(framed, verbose=0))
        return
    from copper_tf.inference.exported.predictor import ExportedPredictor

    call = ExportedPredictor.load(place / "export", name).call
    contend(lambda: call(grey))


def _made(place: Path, world: Path, settings: dict[str, Any]) -> Any:
    """A run trained for a few epochs, with its exports."""
    from copper_tf.config import PAPER, default_config
    from copper_tf.exporters.export import export_run
    from copper_tf.inference.exported.predictor import is_export
    from copper_tf.training.loop import train
    from tfds_copper.dataset import open_dataset

    config = default_config("segmenter", PAPER, hypothesis="sqrt", epochs=_EPOCHS, crop=128, **settings)
    run = train(config, open_dataset(world), place / "run", resume=True)
    if not is_export(place / "export"):
        export_run(run, place / "export", _OURS)
    return run


def _world(place: Path) -> Path:
    from copper_tf.simulation import SimulationSettings, simulate
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import is_dataset
    from tfds_copper.splits.assign import SplitSettings

    if not is_dataset(place / "data"):
        settings = SimulationSettings(labels=8, pictures=12, sheets=6, height=192, width=192)
        simulate(place / "sem", settings)
        build(place / "sem", place / "data", SplitSettings())
    return place / "data"


def _commands(place: Path, run: Any) -> dict[str, list[str]]:
    """Who takes part: ours, Keras, and PyTorch in its four ways."""
    model = run.config.model
    sizes = map(str, (*_framed(run), model.d, model.c, model.n, model.N))
    peer = [str(peers_python()), "-m", "benchmarks.speed.torch_peer", "map", *sizes]
    torch = {f"torch {k} {how}": [*peer, k, how] for k, how in itertools.product(KINDS, ("eager", "compiled"))}
    ours = {name: [sys.executable, "-m", __spec__.name, "--contestant", name, str(place)] for name in (*_OURS, _KERAS)}
    return ours | torch


def _deviations(run: Any, export: Path) -> dict[str, dict[str, float]]:
    """The worst deviation of each format from the float32 run, on pictures of the test split, which it has not seen."""
    from copper_tf.data.pictures import examples
    from copper_tf.exporters.export import Deviation
    from copper_tf.inference.exported.predictor import ExportedPredictor
    from copper_tf.inference.predictor import RunPredictor
    from copper_tf.runs.datasets import dataset_of

    pictures = list(examples(dataset_of(run), "test"))
    predictor = RunPredictor(run)
    said = [predictor.predict(p.pixels, p.bit_depth).map for p in pictures]
    found = {}
    for name in _OURS:
        exported, worst = ExportedPredictor.load(export, name), Deviation()
        for picture, mine in zip(pictures, said, strict=True):
            theirs = exported.predict(picture.pixels, picture.bit_depth).map
            assert mine is not None and theirs is not None
            worst = worst.worst(Deviation.between(mine, theirs))
        found[name] = {"map": worst.mean, "potency": worst.potency, "pictures": len(pictures)}
    shown = [[k, f"{v['map']:.4f}", f"{v['potency']:.4f}", f"{v['pictures']}"] for k, v in found.items()]
    print_table(["off, at most", "map", "potency", "pictures"], shown)
    return found


def _raced(name: str, place: Path, world: Path, peaks: dict[str, float]) -> dict[str, Any]:
    """Measures one network and prints its table."""
    run = _made(place, world, _NETWORKS[name])
    times, operations = race(_commands(place, run), _ROUNDS), forward_operations(run.config, *_framed(run))
    best = times[_OURS[0]]["seconds"]
    rows = []
    for who, of in sorted(times.items(), key=lambda item: item[1]["seconds"]):
        shown = f"{of['seconds']:.3f}", f"{of['fastest']:.3f}", f"{of['seconds'] / best:.2f}"
        # Of bfloat16 for all: that is this processor's limit, which 8 bits alone can pass.
        reached = share(operations, of["seconds"], peaks, "bfloat16")
        rows.append([who, *shown, f"{operations / of['seconds'] / 1e9:.0f}", reached, f"{of['peak_mb']:.0f}"])
    print(f"\n{name}: {operations / 1e9:.0f} GFLOP")
    print_table(["", "seconds", "fastest", "times as long", "GFLOP/s", "share of peak", "peak MB"], rows)
    return {"gflop": operations / 1e9, "times": times, "deviations": _deviations(run, place / "export")}


def _real(path: Path, place: Path) -> dict[str, dict[str, float]]:
    """The deviations of a run of real pictures."""
    from copper_tf.exporters.export import export_run
    from copper_tf.runs.run import open_run

    print(f"\n{path.name}: real pictures")
    export_run(open_run(path), place, _OURS, force=True)
    return _deviations(open_run(path), place)


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the tables, writes ``benchmarks/results/inference.json``; 1 if a requirement is missed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--contestant", nargs=2, metavar=("NAME", "PLACE"), help=argparse.SUPPRESS)
    flags.add_argument("--real", type=Path, help="a run trained on real pictures")
    flags.add_argument("--output", type=Path, default=Path("acceptance/inference"), help="where the networks are kept")
    asked = flags.parse_args(arguments)
    if asked.contestant:
        _contestant(asked.contestant[0], Path(asked.contestant[1]))
        return 0
    peers_python()
    world = _world(asked.output)
    peaks = matrix_peaks()
    print_table(["matrix multiplication", "GFLOP/s"], [[kind, f"{peak / 1e9:.0f}"] for kind, peak in peaks.items()])
    found = {name: _raced(name, asked.output / f"network{k}", world, peaks) for k, name in enumerate(_NETWORKS)}
    real = _real(asked.real, asked.output / "real") if asked.real else None
    packages = ("openvino", "onnxruntime", "tensorflow", "keras", "nncf")
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    versions = {p: metadata.version(p) for p in packages}
    write_json(_RESULTS, {"machine": machine, "versions": versions, "peaks": peaks, "networks": found, "real": real})
    missed = [
        f"{name}: {ratio:.2f} times as fast as {who}, {_REQUIRED[who]} needed"
        for name, of in found.items()
        for who, ratio in ((who, of["times"][who]["seconds"] / of["times"][_OURS[0]]["seconds"]) for who in _REQUIRED)
        if ratio < _REQUIRED[who]
    ]
    print("\n".join(missed) or "all that is required is reached")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
