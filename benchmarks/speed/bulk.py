"""What `copper bulk` costs beyond predicting: pictures per second against a plain loop, memory at two lengths of list.

    python -m benchmarks.speed.bulk

The loop, and `copper bulk` by one worker and by two, take turns in predicting few and then more pictures of 128 px by
one export, each in processes of their own; then one worker predicts very many. Rates are of what more pictures take
longer than few, so that no one's start counts. Time of the processors is given too: it says more where others use them.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

from benchmarks import RESULTS
from copper_tf.cli.tables import print_table
from tfds_copper.files import write_json

__all__ = ["main"]

_RESULTS = RESULTS / "bulk.json"
_SIDE, _DRAWN = 128, 320
_TRAINED = ("--epochs=1", "--c=8", "--d=2", "--crop=64", "--margin=20", "--batch-size=4")
_LOOP, _ONE = "plain loop", "workers 1"
# How much more processor time than the loop one worker may take, and by how much memory may grow to very many pictures.
_DEARER, _FLAT = 1.1, 1.1


def _copper(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "copper_tf.cli.main", *map(str, arguments)]


def _loop(model: Path, folder: Path, output: Path) -> None:
    """What a user would write who has few pictures."""
    from copper_tf.inference.exported.predictor import ExportedPredictor
    from copper_tf.inference.inputs import sources_of
    from copper_tf.inference.predict_rows import predict_row
    from copper_tf.utils.tables import write_tables
    from tfds_copper.micrograph import ReadSettings

    predictor = ExportedPredictor.load(model)
    rows = [predict_row(source, predictor, ReadSettings()) for source in sources_of([folder])]
    write_tables(output / "predictions.csv", [row.cells(predictor.labels.times) for row in rows], [])


def _model(place: Path) -> Path:
    """A small segmenter, trained for an epoch, as OpenVINO has it: what it says is of no matter here."""
    sizes = ("--height", _SIDE, "--width", _SIDE)
    for command in (
        _copper("simulate", place / "sem", "--labels", 8, "--pictures", _DRAWN // 8, "--sheets", 5, *sizes),
        _copper("train", "segmenter", place / "sem", "-o", place / "run", "--split", "30/5/5", *_TRAINED),
        _copper("export", place / "run", "-o", place / "model", "--to", "openvino"),
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return place / "model"


def _folder(place: Path, count: int) -> Path:
    """So many pictures: links to those that were drawn."""
    folder, drawn = place / f"pictures{count}", sorted((place / "sem").glob("t*/*.png"))
    folder.mkdir()
    for k in range(count):
        os.link(drawn[k % len(drawn)], folder / f"{k:06d}.png")
    return folder


def _peaks(group: int, found: dict[int, float]) -> None:
    """Adds the peak memory in MB so far of each process of a group."""
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            if os.getpgid(pid) == group:
                status = Path(f"/proc/{pid}/status").read_text()
                found[pid] = int(re.findall(r"VmHWM:\s*(\d+)", status)[0]) / 1024
        except (OSError, IndexError):
            continue


def _used() -> float:
    """Seconds of processors that ended processes took, with all that those had started."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _measured(command: list[str]) -> dict[str, float]:
    """Seconds of a command and of its processors, and peak memory in MB of its first process and of its largest."""
    peaks: dict[int, float] = {}
    started, used = time.perf_counter(), _used()
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            _peaks(process.pid, peaks)
            time.sleep(0.1)
        seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{command[2]}: must succeed. Received: exit code {process.returncode}")
    memory = {"first_mb": peaks[process.pid], "largest_mb": max(peaks.values())}
    return {"seconds": seconds, "cpu_seconds": _used() - used, **memory}


def _commands(model: Path, folder: Path, output: Path) -> dict[str, list[str]]:
    loop = [sys.executable, "-m", __spec__.name, "--loop", str(model), str(folder), str(output)]
    bulk = {f"workers {n}": _copper("bulk", model, folder, "-o", output, "--workers", n) for n in (1, 2)}
    return {_LOOP: loop, **bulk}


def _medians(all_of: list[dict[str, float]]) -> dict[str, float]:
    return {what: statistics.median(one[what] for one in all_of) for what in all_of[0]}


def _raced(place: Path, few: int, more: int, many: int, rounds: int) -> dict[str, dict[str, float]]:
    """Pictures per second, processor time and memory of each, and memory of one worker on very many pictures."""
    model = _model(place)
    folders = {count: _folder(place, count) for count in (few, more, many)}
    runs: dict[str, dict[int, list[dict[str, float]]]] = {}
    for count in [few, more] * rounds + [many]:
        for who, command in _commands(model, folders[count], place / "out").items():
            if count != many or who == _ONE:
                runs.setdefault(who, {}).setdefault(count, []).append(_measured(command))
                shutil.rmtree(place / "out")
    found = {}
    for who, of in runs.items():
        medians = {count: _medians(measured) for count, measured in of.items()}
        longer = {what: medians[more][what] - medians[few][what] for what in ("seconds", "cpu_seconds")}
        found[who] = {"per_second": (more - few) / longer["seconds"]}
        found[who]["cpu_ms_per_picture"] = 1000 * longer["cpu_seconds"] / (more - few)
        found[who] |= {f"{what}_{n}": value for n, each in medians.items() for what, value in each.items()}
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, writes ``benchmarks/results/bulk.json``; 1 where a requirement is missed."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--pictures", type=int, nargs=3, default=[200, 2000, 10_000], help="few, more, very many")
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--place", type=Path, help="where pictures go; a temporary folder by default")
    flags.add_argument("--loop", type=Path, nargs=3, help=argparse.SUPPRESS)
    asked = flags.parse_args(arguments)
    if asked.loop:
        _loop(*asked.loop)
        return 0
    with tempfile.TemporaryDirectory(dir=asked.place) as place:
        found = _raced(Path(place), *asked.pictures, asked.rounds)
    few, more, many = asked.pictures
    rows = []
    for who, of in found.items():
        speed = [f"{of['per_second']:.0f}", f"{of['per_second'] / found[_LOOP]['per_second']:.2f}"]
        memory = [f"{of[f'largest_mb_{n}']:.0f}" if f"largest_mb_{n}" in of else "" for n in (few, more, many)]
        rows.append([who, *speed, f"{of['cpu_ms_per_picture']:.1f}", *memory])
    sizes = [f"peak MB of {n}" for n in (few, more, many)]
    print_table([f"pictures of {_SIDE} px", "per second", "ratio", "processor ms", *sizes], rows)
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    versions = {name: metadata.version(name) for name in ("apache-beam", "openvino", "numpy")}
    write_json(_RESULTS, {"machine": machine, "versions": versions, "pictures": asked.pictures, "found": found})
    one = found[_ONE]
    ratio = one["cpu_ms_per_picture"] / found[_LOOP]["cpu_ms_per_picture"]
    growth = one[f"largest_mb_{many}"] / one[f"largest_mb_{few}"]
    print(f"one worker: {ratio:.2f} of the loop's processor time, memory x {growth:.2f} from {few} to {many} pictures")
    return 0 if ratio <= _DEARER and growth <= _FLAT else 1


if __name__ == "__main__":
    sys.exit(main())
