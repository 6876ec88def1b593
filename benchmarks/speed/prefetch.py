"""Does `copper predict` go through a folder as fast as the slowest of reading, model and writing alone?

    python -m benchmarks.speed.prefetch

500 pictures of 640x480 px (25 simulated ones under 20 names each) by the default segmenter as `openvino-int8`, with
maps and overlays. Each part alone, all of them one after the other, and all of them prefetched take turns in processes
of their own, 25 pictures a turn. Then the command itself, on 50 and on 500 of them: its memory may not grow. Where
cores are few, what all parts take of the processors together is the other limit.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import RESULTS
from benchmarks.search.killing import copper_command
from benchmarks.speed.racing import contend, race
from copper_tf.cli.tables import print_table
from copper_tf.inference.inputs import Source, sources_of
from tfds_copper.files import write_json
from tfds_copper.micrograph import Opened, ReadSettings, open_windows

__all__ = ["main"]

_RESULTS = RESULTS / "streaming.json"
_PICTURES, _FEW, _TURN = 500, 50, 25
_HEIGHT, _WIDTH = 480, 640
_FORMAT = "openvino-int8"
_PARTS = ("reading", "model", "writing")
_IN_TURN, _STREAMED = "one after the other", "prefetched"
# How much longer than the limit streaming may take, and by how much memory may grow from 50 pictures to 500.
_LONGER, _GROWTH = 1.25, 1.1


def _copper(*words: object) -> dict[str, float]:
    """Runs a verb; its time, time of processors, and peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen(copper_command(*map(str, words)), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"copper {words[0]}: must succeed. Received: exit code {os.waitstatus_to_exitcode(status)}")
    processors = usage.ru_utime + usage.ru_stime
    return {"seconds": time.perf_counter() - started, "processors": processors, "peak_mb": usage.ru_maxrss / 1024}


def _made(place: Path) -> None:
    """The export and the pictures; what is there already is left."""
    if not (place / "export").is_dir():
        sizes = ("--height", 192, "--width", 192)
        _copper("simulate", place / "sem", "--labels", 8, "--pictures", 12, "--sheets", 6, *sizes)
        flags = ("--hypothesis", "sqrt", "--epochs", 2, "--crop", 128, "--split", "8/2/2")
        _copper("train", "segmenter", place / "sem", "-o", place / "run", *flags)
        _copper("export", place / "run", "-o", place / "export", "--to", _FORMAT)
    if not (place / "few").is_dir():
        sizes = ("--height", _HEIGHT, "--width", _WIDTH)
        _copper("simulate", place / "drawn", "--labels", 5, "--pictures", 5, "--sheets", 5, *sizes)
        drawn = sorted((place / "drawn").glob("t*/*.png"))
        for folder, count in (("many", _PICTURES), ("few", _FEW)):
            (place / folder).mkdir()
            for k in range(count):
                os.link(drawn[k % len(drawn)], place / folder / f"{k:04d}.png")


def _reading(predictor: Any) -> Callable[[Source], Opened]:
    from copper_tf.ood.check import check_ood, pixel_size_range

    scale = pixel_size_range(predictor.pixel_sizes_nm)

    def read(source: Source) -> Opened:
        with open_windows(source.path, ReadSettings()) as picture:
            check_ood(picture.windows, picture.pixel_size_nm, predictor.reference_statistics, scale)
            return picture

    return read


def _writing(output: Path) -> Callable[[Source, Opened, Any], None]:
    from copper_tf.inference.map_files import write_map, write_overlay

    def write(source: Source, picture: Opened, piece: Any) -> None:
        pixels = picture.windows.read(piece.rows, piece.columns)
        write_map((output / "maps" / source.name).with_suffix(".tif"), piece.potency, picture.pixel_size_nm)
        write_overlay(output / "overlays" / source.name, pixels, piece.potency, picture.pixel_size_nm)

    return write


def _contestant(name: str, place: Path) -> None:
    """Serves as one of those that take turns."""
    from copper_tf.inference.exported.predictor import ExportedPredictor
    from copper_tf.inference.predict_rows import MapOutput, predict_row, predict_rows

    predictor, output = ExportedPredictor.load(place / "export", _FORMAT), place / "out" / name
    sources = list(sources_of((place / "many",)))
    turns = itertools.cycle(sources[k : k + _TURN] for k in range(0, _PICTURES, _TURN))
    read, write, maps = _reading(predictor), _writing(output), MapOutput(output, "paper")
    if name in ("model", "writing"):
        held = [(source, read(source)) for source in sources[: len(sources) // 20]]
        mapped = [(source, picture, *predictor.map_tiles(picture.windows)) for source, picture in held]

    def again(what: list[Any]) -> Iterator[Any]:
        return itertools.islice(itertools.cycle(what), _TURN)

    work: dict[str, Callable[[], Any]] = {
        "reading": lambda: [read(source) for source in next(turns)],
        "model": lambda: [list(predictor.map_tiles(picture.windows)) for _, picture in again(held)],
        "writing": lambda: [write(*one) for one in again(mapped)],
        _IN_TURN: lambda: [predict_row(source, predictor, ReadSettings(), maps) for source in next(turns)],
        _STREAMED: lambda: list(predict_rows(next(turns), predictor, ReadSettings(), maps)),
    }
    contend(work[name], warm=1)


def _memory(place: Path) -> dict[str, dict[str, float]]:
    """The command on few and on many pictures."""
    return {
        folder: _copper("predict", place / "export", place / folder, "-o", place / "out" / folder)
        for folder in ("few", "many")
    }


def main(arguments: list[str] | None = None) -> int:
    """Prints the table, writes ``benchmarks/results/streaming.json``; 1 if a requirement is missed."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--contestant", nargs=2, metavar=("NAME", "PLACE"), help=argparse.SUPPRESS)
    flags.add_argument(
        "--output", type=Path, default=Path("acceptance/streaming"), help="where pictures and model are kept"
    )
    flags.add_argument("--rounds", type=int, default=_PICTURES // _TURN, help="of turns")
    asked = flags.parse_args(arguments)
    if asked.contestant:
        _contestant(asked.contestant[0], Path(asked.contestant[1]))
        return 0
    _made(asked.output)
    names = (*_PARTS, _IN_TURN, _STREAMED)
    commands = {n: [sys.executable, "-m", __spec__.name, "--contestant", n, str(asked.output)] for n in names}
    times = {name: of["seconds"] / _TURN for name, of in race(commands, asked.rounds).items()}
    whole, cores = _memory(asked.output), len(os.sched_getaffinity(0))
    processors = (whole["many"]["processors"] - whole["few"]["processors"]) / (_PICTURES - _FEW)
    slowest = max(_PARTS, key=lambda part: times[part])
    limits = {f"the slowest part, {slowest}": times[slowest], f"all parts on {cores} cores": processors / cores}
    ratios = {limit: times[_STREAMED] / seconds for limit, seconds in limits.items()}
    growth = whole["many"]["peak_mb"] / whole["few"]["peak_mb"]
    print_table(["a picture", "ms"], [[name, f"{1e3 * s:.1f}"] for name, s in (times | limits).items()])
    for limit, ratio in ratios.items():
        print(f"prefetched takes {ratio:.2f} times as long as {limit}")
    peaks = ", ".join(f"{whole[folder]['peak_mb']:.0f} MB on {folder}" for folder in whole)
    print(f"peak memory of the command: {peaks}")
    machine = {"processor": platform.processor() or platform.machine(), "cores": cores}
    found = {
        "machine": machine,
        "rounds": asked.rounds,
        "seconds": times,
        "limits": limits,
        "ratios": ratios,
        "command": whole,
    }
    write_json(_RESULTS, found)
    return int(min(ratios.values()) > _LONGER or growth > _GROWTH)


if __name__ == "__main__":
    sys.exit(main())
