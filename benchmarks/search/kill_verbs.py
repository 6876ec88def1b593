"""Killed at random moments, does any command lose what it had finished? Eight of them, 200 kills in all.

    python -m benchmarks.search.kill_verbs --kills 200

Each command is killed (SIGKILL, with all its children) and called again, --resume where it has that, in turn with the
others. After each kill all that was there as finished before must still be there, unchanged: datasets, epochs, scores
of runs, rows of a chart, notes, answers of a rater. At last each is let through. The exit code is 1 where anything was
lost or a command fails.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.search.killing import copper_command, killed
from copper_tf.analysis.blindtest.answers import rater_logs
from copper_tf.analysis.blindtest.events import Answered, read_events
from copper_tf.analysis.blindtest.folder import open_test
from tfds_copper.copper_sem.build_dir import built_datasets
from tfds_copper.files import read_json

__all__ = ["CASES", "main"]

_SMALL = ["--crop", "48", "--margin", "8", "--c", "4", "--d", "1", "--policy", "float32"]
# Enough for the plan of a small folder on a machine that has other work, too.
_BUDGET = "20m"
_NOTES = """
import sys
from pathlib import Path
from copper_tf.apps.viewer.notes import NoteBook
book = NoteBook(Path(sys.argv[1]) / "notes.json")
for number in range(150):
    note = book.add("a.png", number, 0, "seen")
    with open(sys.argv[1] + "/said", "a") as said:
        said.write(f"{note.number}\\n")
"""
_ANSWERS = """
import sys
from pathlib import Path
from copper_tf.analysis.blindtest.answers import AnswerLog, rater_logs
from copper_tf.analysis.blindtest.folder import open_test
import copper_tf
folder = Path(sys.argv[1]) / "test"
if not (folder / "test.json").is_file():
    copper_tf.prepare_blindtest(sys.argv[2], folder)
test = open_test(folder)
log = next(iter(rater_logs(test)), None) or AnswerLog.register(test, "Anna")
name = test.rounds[0]
log.start(name)
for turn in range(40):
    for picture in range(test.pictures):
        label = (turn + picture) % 3
        log.answer(name, picture, label, 1.0)
        with open(sys.argv[1] + "/said", "a") as said:
            said.write(f"{picture}:{label}\\n")
"""
# Of all commands: done, and done with a result that is bad.
_DONE = (0, 1)


class Case(NamedTuple):
    """A command, and what is finished of it.

    Attributes:
        command: from the folder of inputs and the folder of results.
        finished: of the folder of results, each piece with what it must stay.
    """

    command: Callable[[Path, Path], list[str]]
    finished: Callable[[Path], dict[str, str]]


def _datasets(output: Path) -> dict[str, str]:
    return {str(path): metadata["fingerprint"] for path, metadata in built_datasets(output)}


def _epochs(output: Path) -> dict[str, str]:
    last = max((int(file.stem.removeprefix("last-")) for file in output.glob("**/last-*.keras")), default=0)
    return {f"epoch {k + 1}": "done" for k in range(last)}


def _scores(output: Path) -> dict[str, str]:
    files = (file for file in output.glob("runs/*/scores/*.json"))
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _rows(output: Path) -> dict[str, str]:
    table = output / "chart.csv"
    return dict.fromkeys(table.read_text(encoding="utf-8-sig").splitlines(), "row") if table.is_file() else {}


def _notes(output: Path) -> dict[str, str]:
    said = (output / "said").read_text().split() if (output / "said").is_file() else []
    kept = {str(note["number"]) for note in read_json(output / "notes.json")["notes"]} if said else set()
    return {number: "kept" if number in kept else "lost" for number in said}


def _answers(output: Path) -> dict[str, str]:
    """Every answer that was acknowledged, by its number: kept where the rater's file has all of them in this order."""
    said = (output / "said").read_text().split() if (output / "said").is_file() else []
    logs = rater_logs(open_test(output / "test")) if said else []
    events = [event for log in logs for event in read_events(log.file)]
    kept = [f"{event.picture}:{event.label}" for event in events if isinstance(event, Answered)]
    # An answer may be saved, and its process killed before it could say so.
    places = iter(kept)
    return {f"{k}": "kept" if one in places else "lost" for k, one in enumerate(said)}


CASES: dict[str, Case] = {
    "build": Case(lambda root, out: copper_command("build", str(root / "world"), "-o", str(out)), _datasets),
    "train": Case(
        lambda root, out: copper_command(
            "train", "segmenter", str(root / "data"), "-o", str(out), "--preset", "paper", "--resume", "--epochs", "12",
            *_SMALL,
        ),
        _epochs,
    ),
    "fit": Case(
        lambda root, out: copper_command("fit", str(root / "world"), "-o", str(out), "--resume", "--budget", _BUDGET),
        lambda out: {**_datasets(out / "dataset"), **_epochs(out)},
    ),
    "hypotheses": Case(
        lambda root, out: [
            *copper_command("hypotheses", str(root / "data"), "-o", str(out), "--resume", "--compare", "linear"),
            *(["sqrt", "--epochs", "3", "--seeds", "3", "--permutations", "0"]), *_SMALL,
        ],
        _scores,
    ),
    "search": Case(
        lambda root, out: [
            *copper_command("search", "segmenter", str(root / "data"), "-o", str(out), "--resume", "--oracle", "grid"),
            *["--crop", "48", "--margin", "8", "--epochs", "2", "--policy", "float32", "--space", "c=4,8", "d=1,2"],
        ],
        _scores,
    ),
    "chart": Case(
        lambda root, out: copper_command("chart", str(root / "days.csv"), "-o", str(out), "--baseline", "10"), _rows
    ),
    "notes": Case(lambda root, out: [sys.executable, "-c", _NOTES, str(out)], _notes),
    "blindtest": Case(
        lambda root, out: [sys.executable, "-c", _ANSWERS, str(out), str(root / "data")], _answers
    ),
}  # fmt: skip


def _lost(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return [name for name, value in before.items() if now.get(name) != value] + [
        name for name, value in now.items() if value == "lost"
    ]


def _inputs(root: Path) -> None:
    world = ["--labels", "3", "--pictures", "12", "--sheets", "6", "--height", "160", "--width", "160"]
    for command in (
        ["simulate", str(root / "world"), *world],
        ["build", str(root / "world"), "-o", str(root / "data")],
    ):
        subprocess.run(copper_command(*command), check=True, capture_output=True)
    rows = [f"2026-01-{day:02d},s{day},{0.5 + 0.01 * (day % 3):g}" for day in range(1, 29)]
    (root / "days.csv").write_text("\n".join(["date,sheet,potency", *rows]))


class _Killing:
    """One command that is killed and called again, into a new folder once it has got through."""

    def __init__(self, name: str, root: Path) -> None:
        self.case, self.root, self.name, self.number, self.kills = CASES[name], root, name, 0, 0
        self.output, self.seconds, self.lost = root / f"{name}-0", 0.0, list[str]()
        self._through(root / f"{name}-whole")

    def _through(self, output: Path) -> None:
        """Lets it end, and notes how long that takes."""
        output.mkdir(exist_ok=True)
        started = time.monotonic()
        done = subprocess.run(self.case.command(self.root, output), capture_output=True, text=True)
        self.seconds = self.seconds or time.monotonic() - started
        if done.returncode not in _DONE:
            self.lost.append(f"{self.name}: exit code {done.returncode}, {done.stderr[-200:]}")

    def kill(self, share: float) -> None:
        """Kills it after a share of the time that it takes, and looks at what is left."""
        self.output.mkdir(exist_ok=True)
        before = self.case.finished(self.output)
        was_killed = killed(self.case.command(self.root, self.output), share * self.seconds)
        self.kills += was_killed
        now = self.case.finished(self.output)
        self.lost += _lost(before, now)
        print(f"{self.name}: {'killed' if was_killed else 'got through'}, {len(now)} finished", flush=True)
        if not was_killed:
            self.number += 1
            self.output = self.root / f"{self.name}-{self.number}"

    def end(self) -> None:
        """Lets it through after all kills; what was finished must be there still."""
        before = self.case.finished(self.output)
        self._through(self.output)
        self.lost += _lost(before, self.case.finished(self.output))


def main(arguments: list[str] | None = None) -> int:
    """Kills all of them in turn, prints how it went, returns the exit code."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--kills", type=int, default=200, help="how often in all")
    flags.add_argument("--seed", type=int, default=0, help="of the moments")
    flags.add_argument("--verbs", default=",".join(CASES), help="which commands")
    asked = flags.parse_args(arguments)
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as place:
        _inputs(Path(place))
        cases = [_Killing(name, Path(place)) for name in asked.verbs.split(",")]
        while sum(case.kills for case in cases) < asked.kills:
            min(cases, key=lambda case: case.kills).kill(draw.uniform(0.1, 1.0))
        for case in cases:
            case.end()
        lost = [name for case in cases for name in case.lost]
    kills = ", ".join(f"{case.name} {case.kills}" for case in cases)
    print(f"kills: {kills}; lost: {len(lost)}{''.join(f'{chr(10)}  {name}' for name in lost)}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
