"""What a window may tell the server: the table is of what the pages listen to, and nothing else gets to Bokeh."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("panel", reason="Panel isn't installed")

import panel as pn  # noqa: E402
from bokeh.document import Document  # noqa: E402
from bokeh.model import Model  # noqa: E402
from bokeh.models import Button, PanTool, Range1d, Slider, TextInput  # noqa: E402
from bokeh.plotting import figure  # noqa: E402

from copper_tf.apps import compat  # noqa: E402
from copper_tf.apps.web.protocol import EVENTS, PROPERTIES, UNUSED, Refused, allowed  # noqa: E402


@pytest.fixture
def document() -> Document:
    """One of each model that the tests speak of."""
    document = Document()
    for model in (Button(), TextInput(), Slider(start=0, end=1), PanTool(), figure(x_range=Range1d(0, 1))):
        document.add_root(model)
    return document


def _ident(document: Document, name: str) -> str:
    return next(str(model.id) for model in document.models if type(model).__name__ == name)


def _changed(document: Document, name: str, attribute: str, value: Any, **more: Any) -> dict[str, Any]:
    model = {"id": _ident(document, name)}
    return {"kind": "ModelChanged", "model": model, "attr": attribute, "new": value, **more}


def _sent(name: str, *entries: list[Any]) -> dict[str, Any]:
    data = {"type": "event", "name": name, "values": {"type": "map", "entries": list(entries)}}
    return {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data}


def _passes(document: Document, *events: Any) -> list[Any]:
    return list(allowed("PATCH-DOC", {"events": list(events)}, document.models)["events"])


def _refuses(document: Document, *events: Any) -> None:
    with pytest.raises(Refused):
        _passes(document, *events)


def test_what_the_pages_listen_to_goes_on(document: Document) -> None:
    click = _sent("button_click", ["model", {"id": _ident(document, "Button")}])
    moved = _changed(document, "Range1d", "start", 0.25)
    typed = _changed(document, "TextInput", "value", "Änne 山田")
    assert _passes(document, moved, click, typed) == [moved, click, typed]
    assert _passes(document, {**_sent("document_ready"), "more": 1}) == [_sent("document_ready")]
    assert allowed("PULL-DOC-REQ", {"anything": [1]}, document.models) == {}


def test_the_table_names_what_there_is(document: Document) -> None:
    pn.extension("filedropper")
    for name in {*PROPERTIES, *UNUSED} - {"figure"}:
        classes = [c for c in Model.model_class_reverse_map.values() if c.__name__ == name]
        known = {p for c in classes for p in c.properties()}
        assert {*PROPERTIES.get(name, ()), *UNUSED.get(name, ())} <= known, name
    assert set(UNUSED["figure"]) <= figure.properties()
    assert not {name: set(PROPERTIES[name]) & set(UNUSED[name]) for name in PROPERTIES.keys() & UNUSED.keys()}
    assert set(EVENTS) - {"FileDropper", "ReactiveESM", "TextInput", "Button", "figure"} == set()


def test_every_other_property_of_every_model_is_refused() -> None:
    tried = 0
    for name, kind in Model.model_class_reverse_map.items():
        if name == "Figure":
            continue
        model, short = kind.__new__(kind, id="m"), kind.__name__
        models = SimpleNamespace(get_by_id={"m": model}.get, seen=lambda ident: False)
        for attribute in kind.properties():
            if attribute in PROPERTIES.get(short, ()) or attribute in UNUSED.get(short, ()):
                continue
            for value in ("/etc/hostname", 1, None, {"id": "m"}):
                event = {"kind": "ModelChanged", "model": {"id": "m"}, "attr": attribute, "new": value}
                with pytest.raises(Refused):
                    allowed("PATCH-DOC", {"events": [event]}, models)
                tried += 1
    assert tried > 5000


ODD = [
    None, "x", True, [[1]], {}, {"id": "m"}, 1e16, float("nan"), float("inf"), 10**400,
    {"type": "number", "value": "nan"}, {"type": "slice", "start": 1, "stop": 2, "step": 1},
    {"type": "map"}, {"type": "set"}, {"type": "array"},
    {"type": "value", "value": 1}, {"type": "symbol", "name": "x"}, {"type": "object", "name": "Plot", "id": "z"},
    {"type": "ndarray", "array": ["a"] * 4, "dtype": "S300000000", "shape": [4], "order": "little"},
    {"type": "typed_array", "array": [], "dtype": "uint8", "order": "little"},
    {"type": "bytes", "data": "AAAA"}, {"type": "bytes", "data": {"id": "0"}},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:30])
def test_values_are_plain(document: Document, odd: Any) -> None:
    _refuses(document, _changed(document, "Range1d", "end", odd))
    _refuses(document, _changed(document, "Slider", "value", odd))
    if odd != "x":
        _refuses(document, _changed(document, "TextInput", "value", odd))
    place = ["model", {"id": _ident(document, "figure")}]
    _refuses(document, _sent("tap", place, ["x", odd]))


def test_no_model_is_made_or_found_by_a_message(document: Document) -> None:
    made = {"type": "object", "name": "PanTool", "id": "new", "attributes": {"icon": "/etc/hostname"}}
    click = _sent("button_click", ["model", {"id": _ident(document, "Button")}])
    # Browsers describe some models as a whole: what they say of one that is there isn't looked at.
    known = {**made, "id": _ident(document, "Button")}
    assert _passes(document, _sent("button_click", ["model", known])) == [click]
    _refuses(document, {**_changed(document, "Range1d", "start", 1), "model": made})
    for model in (made, {"id": "new"}, {"id": 1}, None, "Button"):
        _refuses(document, _sent("button_click", ["model", model]))
    for kind in ("RootAdded", "RootRemoved", "ColumnDataChanged", "ColumnsStreamed", "ColumnsPatched", "TitleChanged"):
        _refuses(document, {"kind": kind, "model": {"id": _ident(document, "PanTool")}, "title": "x", "data": {}})
    for content in ({"events": [], "references": [made]}, {"events": 7}, {"events": [7]}, [], None, {}):
        with pytest.raises(Refused):
            allowed("PATCH-DOC", content, document.models)
    for kind in ("PUSH-DOC", "SERVER-INFO-REQ", "PULL-DOC-REPLY", "OK", "ERROR", "ACK", ""):
        with pytest.raises(Refused):
            allowed(kind, {"events": []}, document.models)


def test_what_was_just_removed_is_passed_over(document: Document) -> None:
    """Control: the same message is refused of a model that the page never had."""
    button = document.roots[0]
    whole = {"type": "object", "name": "Button", "id": button.id, "attributes": {"icon": "/etc/hostname"}}
    document.remove_root(button)
    typed = _changed(document, "TextInput", "value", "x")
    assert _passes(document, _sent("button_click", ["model", whole]), typed) == [typed]
    _refuses(document, _sent("button_click", ["model", {**whole, "id": "never"}]))


def test_an_uploaded_part_comes_as_it_is() -> None:
    pn.extension("filedropper")
    document = Document()
    document.add_root(pn.widgets.FileDropper().get_root(document))
    place = ["model", {"id": _ident(document, "FileDropper")}]
    part = [["name", "a.tif"], ["chunk", 1], ["total_chunks", 1], ["data", {"type": "bytes", "data": {"id": "0"}}]]
    entries = {"type": "map", "entries": part}
    assert _passes(document, _sent("upload_event", place, ["data", entries])) == [
        _sent("upload_event", place, ["data", entries])
    ]
    for value in ("AAAA", {"id": "0", "more": 1}, {"id": 0}, None, {"type": "bytes", "data": "H4sI"}):
        packed = {"type": "map", "entries": [*part[:3], ["data", {"type": "bytes", "data": value}]]}
        _refuses(document, _sent("upload_event", place, ["data", packed]))


def test_bokeh_opens_no_text_as_a_picture(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: before, it does."""
    from bokeh.core.property.visual import Image
    from PIL import Image as Pillow

    place = tmp_path / "secret.png"
    Pillow.fromarray(np.zeros((4, 4), np.uint8)).save(place)
    monkeypatch.setattr(Image, "transform", getattr(Image.transform, "original", Image.transform))
    assert str(Image().transform(str(place))).startswith("data:image/png")
    for _ in range(2):  # a second server of the same process
        compat.open_no_pictures()
        assert Image().transform(str(place)) == str(place)
        PanTool(icon=str(place))
        assert PanTool(icon=str(place)).icon == str(place)
