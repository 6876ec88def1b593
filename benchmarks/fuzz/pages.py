"""Hostile messages and requests against both of our pages: ``python -m benchmarks.fuzz.pages [--messages 5000]``.

A second window is open meanwhile. None may succeed or change it, the server must answer within a second afterwards, and
its memory must be where it was within a tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from benchmarks.fuzz.messages import class_of, hostile_message, property_types
from benchmarks.fuzz.requests import TOKENS, hostile_request, request, send
from benchmarks.fuzz.window import Window
from copper_tf.apps.web.protocol import UNUSED

__all__ = ["APPS", "attack", "main", "served"]

# The commands themselves, the viewer with a model that needs no TensorFlow.
_VIEW = """
import sys
import numpy as np
from copper_tf.apps.viewer import viewer
from copper_tf.cli.main import main
from copper_tf.inference.predictor import MapTile, Predictor
from copper_tf.runs.labels import Labels
from tfds_copper.micrograph import ReadSettings

class Half(Predictor):
    kind, labels, caveats, hypothesis_note = "segmenter", Labels((0.0, 1.0), "h"), (), ""
    pixel_sizes_nm, data_reading, reference_statistics, identity, g = {}, ReadSettings(), None, "half", ()

    def map_tiles(self, picture, name="picture", progress=None):
        yield MapTile(*(slice(0, side) for side in picture.shape), np.full(picture.shape, 0.5, np.float32))

    def probabilities(self, picture, name="picture", progress=None):
        raise NotImplementedError

viewer.open_predictor = lambda path: Half()
sys.exit(main(["view", "model", "here.png", "--notes", "notes", "--no-open", "--port", "0"]))
"""
_BLINDTEST = """
import sys
from pathlib import Path
from PIL import Image
from copper_tf.analysis.blindtest.folder import DESIGN, Design
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.cli.main import main
from copper_tf.runs.labels import Labels

test = Path("test")
for folder in ("practice", "pictures"):
    (test / folder).mkdir(parents=True)
    for number in range(4):
        Image.effect_noise((64, 48), 40).save(test / folder / f"{number:04d}.png")
design = Design("a" * 32, "2024-01-01T00:00:00+00:00", Labels((0.0, 1.0), "h"), BlindSettings(), 4, (0, 1, 0, 1))
design.write(test / DESIGN)
sys.exit(main(["blindtest", "test", "--no-open", "--port", "0"]))
"""
APPS = {"view": _VIEW, "blindtest": _BLINDTEST}
_ROOT = Path(__file__).parents[2]
# Sides of the picture that no page may read; no other has them.
_SECRET = (331, 17)
_KEPT = 20
# How long a server may take to forget the windows that are closed.
_FORGETTING = 40.0
_WINDOWS = 16


@contextlib.contextmanager
def served(app: str, place: Path) -> Iterator[tuple[str, int]]:
    """One of `APPS` in a process of its own: its address with the token, and the number of the process."""
    (place / "model").mkdir()
    (place / "tmp").mkdir()
    Image.effect_noise((120, 90), 40).save(place / "here.png")
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "TMPDIR": str(place / "tmp")}
    with (place / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", APPS[app]], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
            cwd=place,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        address = (process.stdout.readline().split() or [""])[0]
        assert address.startswith("http://127.0.0.1:"), (place / "errors.txt").read_text()
        yield address, process.pid
        assert process.poll() is None, "the server has ended"
    finally:
        process.kill()
        process.communicate()


def _memory(process: int) -> int:
    """Bytes that a process holds now."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) * 1024


class _Attack:
    """What the messages to one server came to.

    Attributes:
        answers: how many were refused, closed their window, or were passed over.
        failures: what succeeded; empty where all is well.
    """

    def __init__(self, address: str, paths: list[str], seed: int) -> None:
        self._address, self._paths, self._draw = address, paths, random.Random(seed)
        self._types = property_types()
        self._done = 0
        self.answers: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []

    async def messages(self, count: int) -> None:
        """Sends so many, of every type of property, through one window after the other."""
        while self._done < count:
            async with Window.opened(self._address) as window:
                before = await window.document()
                closed = False
                while not closed and self._done < count:
                    closed = not await self._send(window, before)
                if not closed and await window.document() != before:
                    self.failures.append("a window has other models than before")
                self._find_leaks(window.received)

    async def _send(self, window: Window, models: list[dict[str, object]]) -> bool:
        """Sends one message; False where the window was closed for it."""
        kind = self._types[self._done % len(self._types)]
        self._done += 1
        message, target = hostile_message(self._draw, models, self._paths, kind)
        answer = await window.ask(message[0], message[1], *message[2])
        said = "closed" if answer is None else str(answer["kind"])
        if said == "OK" and target is not None:
            said = "passed over" if target[1] in UNUSED.get(class_of(models, target[0]), ()) else said
        self.answers[said] += 1
        if said not in ("ERROR", "closed", "passed over"):
            self.failures.append(f"{said} to {message[0]} {message[1][:300]!r}")
        return answer is not None

    def _find_leaks(self, received: list[str]) -> None:
        text = "\n".join(received)
        if f'"{_SECRET[0]}"' in text or "a-secret" in text or "data:image/svg" in text:
            self.failures.append("a page holds what it may not read")


async def _open_windows(address: str, count: int) -> None:
    """Opens and closes so many windows, which a server remembers for a while."""
    for _ in range(count):
        async with Window.opened(address) as window:
            await window.models()


async def _attack(address: str, place: Path, count: int, seed: int) -> _Attack:
    paths = [str(place / name) for name in ("secret.png", "secret.svg", "pipe")]
    made = _Attack(address, [*paths, "/dev/ptmx", "secret.png", "file:///etc/hostname", str(place / "nothing")], seed)
    async with Window.opened(address) as other:
        before = await other.document()
        await made.messages(count)
        if await other.document() != before:
            made.failures.append("the second window has changed")
    return made


def _requests(port: int, place: Path, count: int, seed: int) -> list[str]:
    """What hostile requests succeeded."""
    draw, failures = random.Random(seed), []
    for _ in range(count):
        data = hostile_request(draw, port, place / "secret.svg")
        status, answer = send(port, data, 0.3)
        if not (status == 0 or 400 <= status < 500) or b"a-secret" in answer or b'"token":"' in answer:
            failures.append(f"{status} to {data[:200]!r}")
    return failures


def attack(app: str, messages: int, requests: int, seed: int = 0) -> tuple[list[str], str]:
    """Attacks one of `APPS`.

    Args:
        app: its name.
        messages: how many protocol messages.
        requests: how many HTTP requests.
        seed: of both.

    Returns:
        What succeeded, and a line about all of it.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-pages-") as folder:
        place = Path(folder)
        Image.new("L", _SECRET).save(place / "secret.png")
        (place / "secret.svg").write_text("<svg>a-secret</svg>")
        os.mkfifo(place / "pipe")
        with served(app, place) as (address, process):
            port = int(address.partition("/?")[0].rpartition(":")[2])
            TOKENS[port] = address.partition("?token=")[2]
            # What is imported and cached for good, and as many windows as are remembered at once.
            asyncio.run(_attack(address, place, 100, seed + 1))
            asyncio.run(_open_windows(address, _WINDOWS))
            before = _memory(process)
            made = asyncio.run(_attack(address, place, messages, seed))
            failures = made.failures + _requests(port, place, requests, seed)
            start = time.monotonic()
            status, _ = send(port, request(port))
            seconds = time.monotonic() - start
            if status != 200 or seconds > 1:
                failures.append(f"{status} after {seconds:.1f} s afterwards")
            end = time.monotonic() + _FORGETTING
            while _memory(process) > 1.1 * before and time.monotonic() < end:
                time.sleep(0.5)
            after = _memory(process)
            if after > 1.1 * before:
                failures.append(f"{after / 1e6:.0f} MB afterwards, {before / 1e6:.0f} MB before")
            if any("evil" in path.name for path in place.rglob("*")):
                failures.append("a file was written")
    answers = ", ".join(f"{number} {name}" for name, number in sorted(made.answers.items()))
    memory = f"{before / 1e6:.0f} MB before, {after / 1e6:.0f} MB after"
    return failures, f"{app}: {messages} messages ({answers}), {requests} requests, {memory}, page in {seconds:.2f} s"


def main() -> int:
    """Attacks both pages and prints what came of it; 1 where anything succeeded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=5000, help="protocol messages, half to each page")
    parser.add_argument("--requests", type=int, default=1000, help="HTTP requests, half to each page")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    failed = 0
    for app in APPS:
        failures, line = attack(app, -(-chosen.messages // 2), -(-chosen.requests // 2), chosen.seed)
        print(line, *failures[:_KEPT], sep="\n  ", flush=True)
        failed += len(failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
