"""Reading, working and writing at once: order, errors and stopping are as if one came after the other."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from copper_tf.inference.inputs import sources_of
from copper_tf.inference.predict_rows import MapOutput, predict_row, predict_rows
from copper_tf.inference.predictor import RunPredictor
from copper_tf.inference.prefetch import prefetched
from tfds_copper.errors import CopperError, InputError
from tfds_copper.micrograph import ReadSettings

_LONG = 20.0


class Desk:
    """Items that are open, and how many there were at most."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.most, self.begun, self._lock = 0, 0, threading.Lock()

    @contextlib.contextmanager
    def opened(self, item: int, _: Any) -> Iterator[int]:
        with self._lock:
            self.begun += 1
            self.open.add(item)
            self.most = max(self.most, len(self.open))
        try:
            yield item
        finally:
            with self._lock:
                self.open.remove(item)


def _threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith(("reader", "writer"))]


def test_the_order_stays_and_errors_stand_in_their_places() -> None:
    draw, desk = random.Random(0), Desk()

    @contextlib.contextmanager
    def opened(item: int, tell: Any) -> Iterator[int]:
        time.sleep(draw.random() / 200)
        if item % 10 == 3:
            raise InputError(f"{item}: can't be read")
        with desk.opened(item, tell) as found:
            yield found

    def work(item: int, found: int) -> Callable[[], int]:
        assert item == found and item in desk.open
        if item % 10 == 5:
            raise InputError(f"{item}: is too small")

        def finish() -> int:
            time.sleep(draw.random() / 50)
            assert item in desk.open
            if item % 10 == 7:
                raise InputError(f"{item}: can't be written")
            return item

        return finish

    found = list(prefetched(range(200), opened, work))
    assert [f for f in found if isinstance(f, int)] == [k for k in range(200) if k % 10 not in (3, 5, 7)]
    for k, outcome in enumerate(found):
        assert isinstance(outcome, CopperError) == (k % 10 in (3, 5, 7)) and str(outcome).startswith(str(k))
    assert not desk.open and 1 < desk.most <= 6 and not _threads()


def test_the_next_is_read_and_the_last_is_written_meanwhile() -> None:
    """Each waits for what would only come after it if one came after the other."""
    count = 6
    reads, works = ([threading.Event() for _ in range(count + 1)] for _ in range(2))
    # Nothing comes after the last one.
    reads[count].set()
    works[count].set()

    @contextlib.contextmanager
    def opened(item: int, _: Any) -> Iterator[int]:
        reads[item].set()
        yield item

    def work(item: int, _: int) -> Callable[[], bool]:
        works[item].set()
        ahead = reads[item + 1].wait(_LONG)
        return lambda: ahead and works[item + 1].wait(_LONG)

    assert list(prefetched(range(count), opened, work)) == [True] * count


def test_of_large_ones_a_single_one_is_open() -> None:
    desk = Desk()

    def work(item: int, _: int) -> Callable[[], int]:
        time.sleep(0.01)
        return lambda: item

    assert list(prefetched(range(20), desk.opened, work, large=lambda _: True)) == list(range(20))
    assert desk.most == 1


@pytest.mark.parametrize("where", ["open", "work", "write", "consumer"])
def test_what_ends_it_leaves_nothing_open(where: str) -> None:
    desk = Desk()

    @contextlib.contextmanager
    def opened(item: int, tell: Any) -> Iterator[int]:
        if where == "open" and item == 5:
            raise OSError("disk")
        with desk.opened(item, tell) as found:
            yield found

    def fail() -> int:
        raise OSError("full")

    def work(item: int, _: int) -> Callable[[], int]:
        if where == "work" and item == 5:
            raise KeyboardInterrupt
        return fail if where == "write" and item == 5 else lambda: item

    taken = []
    with (
        pytest.raises((OSError, KeyboardInterrupt)),
        contextlib.closing(prefetched(range(1000), opened, work)) as found,
    ):
        for item in found:
            taken.append(item)
            if where == "consumer" and item == 5:
                raise KeyboardInterrupt
    assert taken == list(range(len(taken))) and len(taken) <= 6
    assert not desk.open and desk.begun < 20 and not _threads()


def test_a_long_look_that_nobody_waits_for_is_given_up() -> None:
    looking = threading.Event()

    @contextlib.contextmanager
    def opened(item: int, tell: Callable[[int, int, str], None]) -> Iterator[int]:
        while item:
            looking.set()
            tell(0, 1, "looking")
            time.sleep(0.001)
        yield item

    def work(_: int, __: int) -> Callable[[], int]:
        assert looking.wait(_LONG)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(prefetched(range(3), opened, work))
    assert not _threads()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of several sizes, one too small for a network and one no picture at all."""
    place, draw = tmp_path / "pictures", np.random.default_rng(0)
    place.mkdir()
    for k in range(12):
        pixels = draw.integers(0, 255, (70 + k, 90 - k), dtype=np.uint8)
        Image.fromarray(pixels[:3, :5] if k == 4 else pixels).save(place / f"{k:02d}.png")
    (place / "07.png").write_bytes((place / "07.png").read_bytes()[:200])
    return place


@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_rows_are_those_of_each_picture_alone(kind: str, folder: Path, runs: dict[str, Any], tmp_path: Path) -> None:
    predictor, sources = RunPredictor(runs[kind]), list(sources_of((folder,)))
    expected: list[Any] = []
    for source in sources:
        try:
            expected.append(predict_row(source, predictor, ReadSettings(), MapOutput(tmp_path / "alone", "paper")))
        except CopperError as error:
            expected.append(str(error))
    found = list(predict_rows(sources, predictor, ReadSettings(), MapOutput(tmp_path / "prefetched", "paper")))
    assert list(map(str, found)) == list(map(str, expected))
    assert [k for k, row in enumerate(found) if isinstance(row, CopperError)] == [4, 7]
    written = {p.relative_to(tmp_path / "alone"): p.read_bytes() for p in (tmp_path / "alone").rglob("*.*")}
    assert len(written) == (20 if kind == "segmenter" else 0)
    for path, content in written.items():
        assert (tmp_path / "prefetched" / path).read_bytes() == content


@pytest.mark.slow
def test_ctrl_c_ends_the_command_between_two_files(folder: Path, runs: dict[str, Any], tmp_path: Path) -> None:
    many, output = tmp_path / "many", tmp_path / "out"
    many.mkdir()
    for k in range(3000):
        os.link(folder / "00.png", many / f"{k:04d}.png")
    command = [sys.executable, "-m", "copper_tf.cli.main", "predict", runs["segmenter"].path, many, "-o", output]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A shell that starts the tests in the background has them, and what they start, ignore it.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, preexec_fn=heard, **pipes) as process:
        until = time.monotonic() + 120
        while len(list(output.glob("overlays/*.png"))) < 5:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        printed = process.communicate(timeout=60)
    assert process.returncode != 0 and "Traceback" not in "".join(printed)
    maps = sorted((output / "maps").iterdir())
    assert 5 <= len(maps) < 3000 and not list(output.rglob(".writing-*"))
    assert [p.stem for p in maps] == [f"{k:04d}" for k in range(len(maps))]
    for file in maps:
        assert tifffile.imread(file).shape == (70, 90)
