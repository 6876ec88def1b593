"""What a hostile browser sends where a page listens: it hurts itself alone, and the server lives on."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fuzz.pages import APPS, attack, served
from benchmarks.fuzz.window import Window

pytest.importorskip("panel", reason="Panel isn't installed")

# Seeds of the hostile messages, and how many are drawn from each.
SEEDS, EACH = (1, 2), 50
# Half of what `make fuzz` sends to both.
MESSAGES, REQUESTS = 2500, 500


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A viewer of one picture: its address, and the folder that all of its files are in."""
    place = tmp_path_factory.mktemp("hostile")
    with served("view", place) as (address, _):
        yield address, place


def _patch(*events: dict[str, Any]) -> str:
    return json.dumps({"events": events})


def _changed(ident: str, name: str, value: Any) -> str:
    return _patch({"kind": "ModelChanged", "model": {"id": ident}, "attr": name, "new": value})


def _event(ident: str, name: str, **values: Any) -> str:
    entries = [["model", {"id": ident}], *([key, value] for key, value in values.items())]
    data = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
    return _patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data})


def _uploaded(dropper: str, name: Any, chunk: Any = 1, chunks: Any = 1) -> str:
    data = {"type": "bytes", "data": {"id": "0"}}
    entries = [["name", name], ["chunk", chunk], ["total_chunks", chunks], ["data", data]]
    return _event(dropper, "upload_event", data={"type": "map", "entries": entries})


def _of(models: list[dict[str, Any]], name: str) -> list[str]:
    return [model["id"] for model in models if name in model["name"]]


def _hostile(draw: random.Random, models: list[dict[str, Any]]) -> tuple[str, str, bytes]:
    """A message where the page listens, with a value that it doesn't expect: (kind, content, bytes of a file)."""
    number = draw.choice([0, -1, 1e15, -1e15, 0.5, 7, 10**9])
    noise = bytes(draw.randrange(256) for _ in range(60))
    ranges, sliders, groups = (_of(models, name) for name in ("Range1d", "Slider", "RadioButtonGroup"))
    canvas, dropper = draw.choice(_of(models, "Figure")), _of(models, "FileDropper")[0]
    own = draw.choice(_of(models, "ReactiveESM"))
    file = draw.choice(["../../evil.png", "/etc/evil.tif", "C:\\evil.bmp", "\0.png", "evil.exe", "", "x" * 2000])
    what = draw.choice([noise, b"\x89PNG\r\n\x1a\n" + noise, b"II*\0" + noise, b"", bytes(10**6)])
    text = draw.choice(["x", "0" * 24, "\0", "<script>alert(1)</script>", "../../evil", "=1+1", "x" * 2000])
    sides = dict.fromkeys(("x", "y", "sx", "sy"), number)
    pressed = draw.choice(["tap", "mousemove", "mouseleave"])
    content = draw.choice([
        _changed(draw.choice(ranges), draw.choice(["start", "end"]), number),
        _changed(draw.choice(sliders), draw.choice(["value", "value_throttled"]), number),
        _changed(draw.choice(groups), "active", int(abs(number))),
        _changed(_of(models, "CheckboxGroup")[0], "active", [int(abs(number))]),
        _changed(draw.choice(_of(models, "TextInput")), "value_input", text),
        _event(draw.choice(_of(models, "TextInput")), "enter-pressed", value_input=text),
        _event(draw.choice(_of(models, "Button")), "button_click"),
        _event(canvas, pressed, **sides),
        _event(own, "data_event", data=draw.choice([text, [10**9, 10**9], [], [1], [1, 2, 3]])),
        _uploaded(dropper, file, draw.choice([1, 2, 0]), draw.choice([1, 0, 2])),
        _uploaded(dropper, file),
    ])  # fmt: skip
    return "PATCH-DOC", content, what


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_hostile_values_change_nothing_for_others(viewer: tuple[str, Path], seed: int) -> None:
    address, place = viewer
    draw = random.Random(seed)

    async def attack_others() -> None:
        left = EACH
        async with Window.opened(address) as other:
            before = await other.document()
            while left:
                async with Window.opened(address) as window:
                    models, answer = await window.models(), True
                    while left and answer:
                        left -= 1
                        kind, content, file = _hostile(draw, models)
                        answer = bool(await window.ask(kind, content, file))
            assert await other.document() == before
        async with Window.opened(address) as fresh:
            assert len(await fresh.document()) == len(before)

    asyncio.run(attack_others())
    assert not (place / "notes" / "notes.json").exists()
    assert not [path for path in (*place.rglob("*"), *place.parent.glob("*evil*")) if "evil" in path.name]


@pytest.mark.slow
@pytest.mark.parametrize("app", APPS)
def test_no_hostile_message_or_request_succeeds(app: str) -> None:
    failures, line = attack(app, MESSAGES, REQUESTS)
    assert not failures, (line, failures[:10])


def test_windows_share_no_lists() -> None:
    """Bokeh extends the columns of a source in place, as a stream from the server does."""
    from copper_tf.apps.viewer.canvas import Canvas

    first, second = (Canvas(lambda _: None, lambda x, y: None, lambda call: call()) for _ in range(2))

    def columns(canvas: Canvas) -> list[Any]:
        sources = [glyph.data_source for plot in (canvas.left, canvas.right) for glyph in plot.renderers]
        return [column for source in {id(s): s for s in sources}.values() for column in source.data.values()]

    found = [*columns(first), *columns(second)]
    assert len({id(column) for column in found}) == len(found)
