"""What only a graphics card can show, in under 8 minutes on one large card; small, on a processor as well.

    make peers                                     # PyTorch, in an environment of its own
    python -m benchmarks.gpu --output acceptance/gpu

Steps of both networks in mixed_float16 and mixed_bfloat16 against PyTorch compiled, channels last; XLA on and off; maps
of 960x1280 px a second; memory predicted against measured; a search within 12 GB; and training at the paper's scale,
projected from its steps. Every figure comes from a process of its own. What fails or comes too late is a line, not the
end. The figures go to ``gpu.json`` in the output folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.peak import forward_operations
from benchmarks.speed.racing import PEERS, contend, peers_python, race
from benchmarks.speed.step import LABELS, fit_step, side_of, torch_step
from copper_tf.cli.tables import print_table
from copper_tf.config import PAPER, Config, default_config
from copper_tf.models.picture_sizes import padded_size
from tfds_copper.files import write_json

__all__ = ["SECTIONS", "main"]

KINDS = ("float16", "bfloat16")
RESULT = "gpu.json"
# Pictures of each label that the paper trains on.
_PICTURES = 40
_XLA, _PLAIN = "XLA", "no XLA"


@dataclasses.dataclass(frozen=True)
class Size:
    """How large everything is.

    Attributes:
        network: settings of both networks whose steps are timed.
        picture: height and width of a map in px.
        rounds: steps and maps that are timed.
        limit: of the search's memory.
        space: of the search; one value is over the limit.
        world: of the search's pictures.
    """

    network: Mapping[str, Any]
    picture: tuple[int, int]
    rounds: int
    limit: str
    space: tuple[str, ...]
    world: Mapping[str, int]


LARGE = Size(
    {"n": 2, "N": 1, "d": 4, "c": 32, "crop": 256, "batch_size": 32}, (960, 1280), 21, "12GB",
    ("n=2", "N=1", "d=3", "c=16,64", "batch_size=16,256"), {"labels": 4, "pictures": 80, "height": 256, "width": 256},
)  # fmt: skip
SMALL = Size(
    {"n": 1, "N": 1, "d": 1, "c": 4, "crop": 32, "batch_size": 2}, (96, 128), 2, "100MB",
    ("n=1", "N=1", "d=1", "c=4", "batch_size=4,1024"), {"labels": 2, "pictures": 10, "height": 64, "width": 64},
)  # fmt: skip
SIZES = {"large": LARGE, "small": SMALL}


def _configs(size: Size) -> dict[str, Config]:
    """Both networks, as their steps are timed."""
    return {
        "classifier": default_config("classifier", PAPER, **size.network),
        "u-net": default_config("segmenter", PAPER, **size.network, margin=0),
    }


def _zero(config: Config) -> Config:
    """The same with zeros beyond the borders: XLA can't take the mirrored ones."""
    return config.replace(padding="zero")


def _contestant(what: str, config: Config, kind: str, picture: tuple[int, int]) -> None:
    """Serves as one of ours."""
    import tensorflow as tf

    from copper_tf.models.factory import build

    policy = kind if kind == "float32" else f"mixed_{kind}"
    if what != "map":
        contend(fit_step(config, build, policy, jit=what == _XLA), warm=3)
        return
    model, d = build(config, LABELS, policy), config.model.d
    shape = (1, *(padded_size(side, d) for side in picture), 1)
    grey = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    drawn = tf.function(lambda x: model(x, training=False))
    contend(lambda: np.asarray(drawn(grey)), warm=3)


def _timed(commands: Mapping[str, Sequence[str]], rounds: int) -> Iterator[tuple[str, dict[str, float] | str]]:
    """Each alone on the card: its times, or why there are none."""
    for name, command in commands.items():
        try:
            yield name, race({name: command}, rounds)[name]
        except SystemExit as error:
            yield name, str(error)


def _ours(what: str, config: Config, kind: str, size: Size) -> list[str]:
    given = json.dumps([what, config.to_dict(), kind, size.picture])
    return [sys.executable, "-m", "benchmarks.gpu", "--contestant", given]


def _peers() -> bool:
    return (PEERS / "bin" / "python").is_file()


def _rates(
    times: Iterable[tuple[str, dict[str, float] | str]], unit: str, per: float = 1.0
) -> Iterator[dict[str, Any]]:
    """A row for each contestant."""
    for who, of in times:
        if isinstance(of, str):
            yield {"who": who, "failed": of}
        else:
            yield {"who": who, "ms": 1000 * of["seconds"], unit: per / of["seconds"]}


def steps(size: Size, place: Path) -> Iterator[dict[str, Any]]:
    """Steps of both networks against PyTorch compiled."""
    for name, config in _configs(size).items():
        commands = {f"copper_tf {kind}": _ours(_PLAIN, config, kind, size) for kind in KINDS}
        if _peers():
            commands |= {f"torch {kind} compiled": torch_step(config, kind, "compiled") for kind in KINDS}
        operations = 3 * config.training.batch_size * forward_operations(config, side_of(config), side_of(config))
        times = _timed(commands, size.rounds)
        yield from ({"network": name, **row} for row in _rates(times, "TFLOP/s", operations / 1e12))
    if not _peers():
        yield {"network": "both", "who": "torch", "failed": f"{PEERS}: `make peers` makes it. Received: none"}


def xla(size: Size, place: Path) -> Iterator[dict[str, Any]]:
    """Steps of both networks with and without XLA, zeros beyond the borders."""
    for name, config in _configs(size).items():
        commands = {how: _ours(how, _zero(config), KINDS[1], size) for how in (_PLAIN, _XLA)}
        yield from ({"network": name, **row} for row in _rates(_timed(commands, size.rounds), "steps/s"))


def maps(size: Size, place: Path) -> Iterator[dict[str, Any]]:
    """Maps a second, of the U-Net whose steps are timed."""
    config = _configs(size)["u-net"]
    commands = {f"copper_tf {kind}": _ours("map", config, kind, size) for kind in ("float32", *KINDS)}
    if _peers():
        model = config.model
        sides = (padded_size(side, model.d) for side in size.picture)
        numbers = map(str, (*sides, model.d, model.c, model.n, model.N))
        peer = [str(peers_python()), "-m", "benchmarks.speed.torch_peer", "map", *numbers]
        commands |= {f"torch {kind} compiled": [*peer, kind, "compiled"] for kind in KINDS}
    yield from _rates(_timed(commands, size.rounds), "maps/s")


def memory(size: Size, place: Path) -> Iterator[dict[str, Any]]:
    """Peaks of steps: predicted by the constants that come with the package, and measured."""
    from tuning.memory import peak_bytes
    from tuning.memory_probe import ProbeError, device_here, probe

    # Both kinds take 16 bits.
    policy = f"mixed_{KINDS[0]}"
    for name, config in _configs(size).items():
        row = {"network": name, "who": policy}
        try:
            measured = probe(config, LABELS, policy)
        except ProbeError as error:
            yield {**row, "failed": str(error)}
            continue
        predicted = peak_bytes(config, LABELS, policy, device_here())
        yield {**row, "predicted MB": predicted / 1e6, "measured MB": measured / 1e6, "ratio": predicted / measured}


def search(size: Size, place: Path) -> Iterator[dict[str, Any]]:
    """A grid within a memory limit: which points were trained, and what the largest of them needs when measured."""
    import copper_tf
    from copper_tf.models.policy import resolve_policy
    from tuning.memory import parse_bytes
    from tuning.memory_probe import probe

    share = f"{size.world['pictures'] - 2 * (size.world['pictures'] // 5)}" + 2 * f"/{size.world['pictures'] // 5}"
    copper_tf.simulate(place / "sem", sheets=5, **size.world)
    data = copper_tf.build(place / "sem", place / "data", split=share)
    own = {"crop": size.network["crop"], "epochs": 1, "crops": 1}
    limit = parse_bytes(size.limit)
    result = copper_tf.search(
        "classifier", data, place / "search", preset=PAPER, space=list(size.space), oracle="grid",
        memory_limit=size.limit, **own,
    )  # fmt: skip
    trained = []
    for row in result.trials:
        yield {"who": row.name, "predicted MB": row.memory_bytes / 1e6, "status": str(row.status)}
        if row.epochs:
            trained.append(row)
    largest = max(trained, key=lambda row: row.memory_bytes)
    config = default_config("classifier", PAPER, **own, **largest.settings)
    measured = probe(config, size.world["labels"], resolve_policy(config))
    yield {
        "who": f"{largest.name}, measured", "measured MB": measured / 1e6,
        "status": "within" if measured <= limit else "OVER", "limit MB": limit / 1e6,
    }  # fmt: skip


def projected(size: Size, place: Path) -> Iterator[dict[str, Any]]:
    """Training of both networks at the paper's scale, from their steps alone."""
    from copper_tf.models.policy import resolve_policy

    for name in ("classifier", "segmenter"):
        own = size.network if size is SMALL else {}
        config = default_config(name, PAPER, **own)
        kind = resolve_policy(config).removeprefix("mixed_")
        times = _timed({f"copper_tf {kind}": _ours(_PLAIN, config, kind, size)}, size.rounds)
        for row in _rates(times, "steps/s"):
            steps_of_all = config.training.epochs * -(
                -LABELS * _PICTURES * config.data.crops // config.training.batch_size
            )
            hours = {"hours": steps_of_all * row["ms"] / 3.6e6} if "ms" in row else {}
            yield {"network": name, **row, "epochs": config.training.epochs, "steps": steps_of_all, **hours}


# In order of what they are worth.
SECTIONS: dict[str, Callable[[Size, Path], Iterator[dict[str, Any]]]] = {
    "steps": steps, "memory": memory, "search": search, "maps": maps, "projected": projected, "xla": xla,
}  # fmt: skip


def _section(name: str, size: str, place: Path, seconds: float) -> list[dict[str, Any]]:
    """What a section found in a process of its own, as far as it came."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--section", name, "--size", size, "--output", str(place)]
    rows: list[dict[str, Any]] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            out, err = process.communicate(timeout=max(seconds, 1))
            late = ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            out, err = process.communicate()
            late = "came too late"
    rows = [json.loads(line.partition(":")[2]) for line in out.splitlines() if line.startswith("row:")]
    if process.returncode:
        rows.append({"who": name, "failed": late or (err.strip().splitlines() or ["nothing"])[-1]})
    return rows


def _shown(rows: list[dict[str, Any]]) -> None:
    heads = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[f"{v:.3g}" if isinstance(v := row.get(k, ""), float) else str(v) for k in heads] for row in rows]
    print_table(heads, cells)


def _machine() -> dict[str, Any]:
    """What this was measured on, asked in a process of its own so that this one holds no card."""
    code = (
        "import tensorflow as tf, json; g = tf.config.list_physical_devices('GPU');"
        "print(json.dumps([tf.config.experimental.get_device_details(x).get('device_name', '') for x in g]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    versions = {package: metadata.version(package) for package in ("tensorflow", "keras", "numpy")}
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) if os.name == "posix" else None
    name = processor[1] if processor else platform.processor()
    cards = json.loads(done.stdout.strip().splitlines()[-1])
    return {"cards": cards, "processor": name, "cores": os.cpu_count(), "versions": versions}


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the tables, writes the file; 1 if a figure is missing, 2 if the output folder is in use."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # One process at a time, and yet PyTorch must find room beside TensorFlow's.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--output", type=Path, default=Path("acceptance/gpu"), help="an absent or empty folder")
    flags.add_argument("--size", choices=tuple(SIZES), help="large where there is a card, else small")
    flags.add_argument("--minutes", type=float, default=8.0, help="what comes later is left out")
    flags.add_argument("--section", choices=tuple(SECTIONS), help=argparse.SUPPRESS)
    flags.add_argument("--contestant", help=argparse.SUPPRESS)
    asked = flags.parse_args(arguments)
    if asked.contestant:
        what, settings, kind, picture = json.loads(asked.contestant)
        _contestant(what, Config.from_dict(settings), kind, tuple(picture))
        return 0
    if asked.section:
        for row in SECTIONS[asked.section](SIZES[asked.size], asked.output):
            print(f"row:{json.dumps(row)}", flush=True)
        return 0
    if asked.output.is_dir() and any(asked.output.iterdir()):
        print(f"{asked.output}: must be an absent or empty folder. Received: one in use", file=sys.stderr)
        return 2
    end, machine = time.monotonic() + 60 * asked.minutes, _machine()
    size = asked.size or ("large" if machine["cards"] else "small")
    print(f"{', '.join(machine['cards']) or 'no graphics card: ' + machine['processor']}; size {size}")
    found: dict[str, list[dict[str, Any]]] = {}
    for name in SECTIONS:
        found[name] = _section(name, size, asked.output, end - time.monotonic())
        print(f"\n{(SECTIONS[name].__doc__ or '').splitlines()[0]}")
        _shown(found[name])
        write_json(asked.output / RESULT, {"machine": machine, "size": size, "sections": found})
    return int(any("failed" in row for rows in found.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
