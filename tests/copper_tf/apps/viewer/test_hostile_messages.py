"""What a hostile browser sends through a page that it has opened: it hurts itself alone, and the server lives on."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import os
import random
import re
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT

pytest.importorskip("panel", reason="Panel isn't installed")

# Seeds of the hostile messages, and how many are drawn from each.
SEEDS, EACH = (1, 2), 50
# The command itself with a model that needs no TensorFlow.
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
sys.exit(main(["view", *sys.argv[1:], "--no-open", "--port", "0"]))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, Path]]:
    """A viewer of one picture: (address, process id, the folder that all of its files are in)."""
    place = tmp_path_factory.mktemp("hostile")
    (place / "model").mkdir()
    (place / "tmp").mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120), np.uint8)).save(place / "here.png")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place / "tmp")}
    command = [sys.executable, "-c", _VIEW, place / "model", place / "here.png", "--notes", place / "notes"]
    with (place / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=place
        )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first.startswith("http://127.0.0.1:"), (place / "errors.txt").read_text()
        yield first.split()[0], process.pid, place
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


class _Window:
    """One window of the page, without a browser."""

    def __init__(self, connection: Any) -> None:
        self._connection, self._sent = connection, 0

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, address: str) -> AsyncIterator[_Window]:
        """A window of its own session, closed in the end."""
        from tornado.httpclient import HTTPRequest
        from tornado.websocket import websocket_connect

        page = await asyncio.to_thread(lambda: urllib.request.urlopen(address).read().decode())
        found = re.search(r'"token":"([^"]+)"', page)
        assert found
        request = HTTPRequest(f"ws{address.removeprefix('http')}ws", headers={"Origin": address.rstrip("/")})
        connection = await websocket_connect(request, subprotocols=["bokeh", found[1]], max_message_size=2**26)
        stream = connection.protocol.stream
        try:
            window = cls(connection)
            await window.receive()
            yield window
        finally:
            connection.close()
            stream.close()  # messages that no one reads keep it open else

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None where the window was closed."""
        parts: list[Any] = [await self._connection.read_message()]
        if parts[0] is None:
            return None
        head = json.loads(parts[0])
        for _ in range(2 + 2 * head.get("num_buffers", 0)):
            parts.append(await self._connection.read_message())
        # Each time that a buffer is sent it has another name.
        content = re.sub(r'"data": *\{"id": *"\w+"\}', '"data": 0', parts[2])
        return {"answers": head.get("reqid"), **json.loads(content)}

    async def send(self, kind: str, content: str | bytes) -> str:
        """Sends a message and returns its number."""
        self._sent += 1
        head = json.dumps({"msgid": str(self._sent), "msgtype": kind})
        for part in (head, "{}", content):
            await self._connection.write_message(part)
        return str(self._sent)

    async def document(self) -> list[dict[str, Any]]:
        """All models of the page, once nothing changes any more."""
        seen: list[list[dict[str, Any]]] = [[], await self._document()]
        while seen[-1] != seen[-2]:
            await asyncio.sleep(0.3)
            seen.append(await self._document())
        return seen[-1]

    async def _document(self) -> list[dict[str, Any]]:
        number = await self.send("PULL-DOC-REQ", "{}")
        while (message := await asyncio.wait_for(self.receive(), 20)) and message["answers"] != number:
            pass
        assert message
        return list(_models(message["doc"]))

    async def settled(self) -> bool:
        """Whether the window is still open once all that was sent is answered."""
        with contextlib.suppress(Exception):
            number = await self.send("SERVER-INFO-REQ", "{}")
            while (message := await asyncio.wait_for(self.receive(), 20)) and message["answers"] != number:
                pass
            return message is not None
        return False


def _models(values: Any) -> Iterator[dict[str, Any]]:
    if isinstance(values, dict) and values.get("type") == "object" and "id" in values:
        yield values
    for inner in values.values() if isinstance(values, dict) else values if isinstance(values, list) else ():
        yield from _models(inner)


def _patch(*events: dict[str, Any]) -> str:
    return json.dumps({"events": events})


def _changed(ident: str, name: str, value: Any) -> str:
    return _patch({"kind": "ModelChanged", "model": {"id": ident}, "attr": name, "new": value})


def _event(ident: str, name: str, **values: Any) -> str:
    entries = [["model", {"id": ident}], *([key, value] for key, value in values.items())]
    data = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
    return _patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data})


def _packed(data: bytes) -> dict[str, str]:
    return {"type": "bytes", "data": base64.b64encode(gzip.compress(data)).decode()}


def _uploaded(dropper: str, name: Any, data: Any, chunk: Any = 1, chunks: Any = 1) -> str:
    entries = [["name", name], ["chunk", chunk], ["total_chunks", chunks], ["data", data]]
    return _event(dropper, "upload_event", data={"type": "map", "entries": entries})


def _of(models: list[dict[str, Any]], name: str) -> list[str]:
    return [model["id"] for model in models if name in model["name"]]


def _hostile(draw: random.Random, models: list[dict[str, Any]]) -> tuple[str, str | bytes]:
    """A message that no page of ours sends: (kind, content)."""
    odd = draw.choice([
        None, True, -1, 10**30, 1e308, {"type": "number", "value": "nan"}, "x" * 5000, [], [[[]]], "<script>", "\0",
        "../../evil", {"type": "map", "entries": [[1, 2]]}, {"id": "none"}, {"type": "object", "name": "No", "id": "z"},
        {"type": "bytes", "data": "AAAA"}, {"type": "slice", "start": 1}, [1e9, -1e9], ["0" * 24],
        {"type": "ndarray", "array": _packed(b"x"), "shape": [10**9], "dtype": "float64", "order": "little"},
    ])  # fmt: skip
    noise = bytes(draw.randrange(256) for _ in range(60))
    model = draw.choice(models)
    name = draw.choice(list(model.get("attributes", {})) or ["name"])
    canvas, dropper = draw.choice(_of(models, "Figure")), _of(models, "FileDropper")[0]
    own = draw.choice([*_of(models, "Thumbnails"), *_of(models, "Frame")])
    file = draw.choice(["../../evil.png", "/etc/evil.tif", "C:\\evil.bmp", "\0.png", "evil.exe", 1, None])
    what = draw.choice([_packed(noise), _packed(b"\x89PNG\r\n\x1a\n" + noise), _packed(b"II*\0" + noise), odd])
    sides = dict.fromkeys(("x", "y", "x0", "x1", "y0", "y1", "sx", "sy", "modifiers"), odd)
    pressed = draw.choice(["tap", "mousemove", "rangesupdate", "mouseleave", "nothing"])
    kind = draw.choice(["PATCH-DOC", "PUSH-DOC", "NOTHING"])
    return draw.choice([
        ("PATCH-DOC", _changed(model["id"], name, odd)),
        ("PATCH-DOC", _changed(model["id"], name, odd)),
        ("PATCH-DOC", _event(canvas, pressed, **sides)),
        ("PATCH-DOC", _event(own, "data_event", data=odd)),
        ("PATCH-DOC", _uploaded(dropper, file, what, draw.choice([1, 2, -1, odd]), draw.choice([1, 0, odd]))),
        ("PATCH-DOC", _uploaded(dropper, file, what)),
        (kind, noise),
        (kind, draw.choice(["{", "[]", "{}", "[" * 10**5, '{"events": 1}', '{"doc": {"roots": []}}'])),
    ])  # fmt: skip


def _memory(process: int) -> int:
    """MB that a process holds at most, since it began."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) // 1024


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_hostile_messages_change_nothing_for_others(served: Any, seed: int) -> None:
    address, _, place = served
    draw = random.Random(seed)

    async def attack() -> None:
        left = EACH
        async with _Window.opened(address) as other:
            before = await other.document()
            while left:
                async with _Window.opened(address) as window:
                    models = await window._document()
                    while left and await window.settled():
                        left -= 1
                        await window.send(*_hostile(draw, models))
            assert await other.document() == before
        async with _Window.opened(address) as fresh:
            assert len(await fresh.document()) == len(before)

    asyncio.run(attack())
    assert not (place / "notes" / "notes.json").exists()
    assert not [path for path in (*place.rglob("*"), *place.parent.glob("*evil*")) if "evil" in path.name]


@pytest.mark.slow
def test_a_message_that_unpacks_to_a_great_deal_is_refused(served: Any) -> None:
    address, process, _ = served
    before = _memory(process)
    bomb = _packed(bytes(2**28))

    async def attack() -> None:
        async with _Window.opened(address) as window:
            dropper = _of(await window.document(), "FileDropper")[0]
            await window.send("PATCH-DOC", _uploaded(dropper, "bomb.tif", bomb))
            await window.settled()
        async with _Window.opened(address) as fresh:
            assert await fresh.document()

    asyncio.run(attack())
    assert _memory(process) < before + 100
