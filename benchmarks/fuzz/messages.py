"""Protocol messages that no page of ours sends: every property of every model of Bokeh and Panel, and bombs."""

from __future__ import annotations

import base64
import functools
import gzip
import json
import random
from collections.abc import Sequence
from typing import Any

from copper_tf.apps.web.protocol import EVENTS, PROPERTIES

__all__ = ["Message", "class_of", "hostile_message", "property_types"]

# (kind, content, buffers)
Message = tuple[str, str | bytes, tuple[bytes, ...]]
_Models = Sequence[dict[str, Any]]


@functools.cache
def _properties() -> dict[str, list[tuple[str, str]]]:
    """Of each type of property: (model, name) of all that there are."""
    import panel as pn
    from bokeh.model import Model

    pn.extension("filedropper", "codeeditor", "plotly", "vega", "tabulator", "terminal", "texteditor", "gridstack")
    found: dict[str, list[tuple[str, str]]] = {}
    for name, model in sorted(Model.model_class_reverse_map.items()):
        for attribute in sorted(model.properties()):
            found.setdefault(str(type(model.lookup(attribute).property).__name__), []).append((name, attribute))
    return found


def property_types() -> list[str]:
    """The types of properties that `hostile_message` goes through."""
    return sorted(_properties())


def _packed(data: bytes) -> dict[str, str]:
    return {"type": "bytes", "data": base64.b64encode(gzip.compress(data)).decode()}


@functools.cache
def _bombs() -> list[Any]:
    """What would take memory or time by its own word."""
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    numbers = {"type": "ndarray", "order": "little"}
    return [
        {**numbers, "array": ["a"] * 4, "dtype": "S300000000", "shape": [4]},
        {**numbers, "array": [0], "dtype": "V2000000000", "shape": [1]},
        {**numbers, "array": [["a"]], "dtype": [["x", "U99999999"]], "shape": [1]},
        {**numbers, "array": _packed(b"x"), "dtype": "float64", "shape": [10**9, 10**9]},
        {**numbers, "array": _packed(bytes(2**26)), "dtype": "uint8", "shape": [2**26]},
        {"type": "typed_array", "array": _packed(bytes(2**26)), "dtype": "uint8", "order": "big"},
        {"type": "slice", "start": 0, "stop": 10**18, "step": 1},
        {"type": "number", "value": "9" * 4000},
        {"type": "set", "entries": [[{"type": "map", "entries": [[{"type": "set"}, 1]]}]]},
        {"type": "value", "value": 10**300},
        {"type": "symbol", "name": "x" * 10**4},
        10**4000,
        1e308,
        deep,
        "x" * 10**5,
        [0] * 10**4,
    ]


def _made(model: str, attribute: str, value: Any) -> dict[str, Any]:
    return {"type": "object", "name": model, "id": "made", "attributes": {attribute: value}}


def _ident(draw: random.Random, models: _Models, name: str = "") -> dict[str, Any]:
    """A model of the page, of a class where it has one."""
    return {"id": draw.choice([m["id"] for m in models if m["name"] == name] or [m["id"] for m in models])}


def class_of(models: _Models, ident: str) -> str:
    """The name of a model's class, without its module."""
    name = next(str(m["name"]) for m in models if m["id"] == ident).rpartition(".")[2]
    return {"Figure": "figure"}.get(name, name)


def _change(ident: Any, attribute: Any, value: Any) -> dict[str, Any]:
    return {"kind": "ModelChanged", "model": ident, "attr": attribute, "new": value}


def _event(name: str, *entries: list[Any]) -> dict[str, Any]:
    data = {"type": "event", "name": name, "values": {"type": "map", "entries": list(entries)}}
    return {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data}


def _upload(draw: random.Random, models: _Models, value: Any) -> dict[str, Any]:
    part = [["name", "../../evil.png"], ["chunk", 1], ["total_chunks", 1], ["data", value]]
    return _event("upload_event", ["model", _ident(draw, models)], ["data", {"type": "map", "entries": part}])


def _stranger(draw: random.Random, models: _Models, model: str, attribute: str, value: Any) -> dict[str, Any]:
    """An event of a kind that no page sends."""
    made, known = _made(model, attribute, value), _ident(draw, models, model)
    columns = {"type": "map", "entries": [["image", value], ["x", [0]]]}
    names = ["button_click", "tap", "data_event", "enter-pressed", "dom_event", "rangesupdate", "reset"]
    # What the page listens to is no attack.
    name = draw.choice([n for n in names if n not in EVENTS.get(class_of(models, known["id"]), ())])
    return draw.choice([
        {"kind": "RootAdded", "model": made},
        {"kind": "RootRemoved", "model": known},
        {"kind": "TitleChanged", "title": value},
        {"kind": "ColumnDataChanged", "model": known, "attr": "data", "data": columns, "cols": None},
        {"kind": "ColumnsStreamed", "model": known, "attr": "data", "data": columns, "rollover": 10**9},
        {"kind": "ColumnsPatched", "model": known, "attr": "data", "patches": columns},
        {"kind": "MessageSent", "msg_type": "custom", "msg_data": value},
        {"kind": draw.choice(["", "SessionCallbackAdded", "__class__", None, [], {}]), "model": known},
        _event(name, ["model", made], ["data", value]),
        _event(name, ["model", {**made, **known}], ["data", value]),
        _event(name, ["model", known], ["data", value], ["value_input", value], ["x", value]),
        _upload(draw, models, value),
    ])  # fmt: skip


def hostile_message(draw: random.Random, models: _Models, paths: Sequence[str], kind: str) -> tuple[Message, Any]:
    """A message that must not succeed.

    Args:
        draw: of the random numbers.
        models: of the page.
        paths: to what no page may read or open.
        kind: one of `property_types`.

    Returns:
        The message, and (model, attribute) where it does nothing but set one.
    """
    model, attribute = draw.choice(_properties()[kind])
    odd = [{"type": "object", "name": "Plot", "id": "made"}, {"type": "ref", "id": "made"}, {"id": "made"}, [[{}]], {}]
    value = draw.choice([draw.choice(paths), draw.choice(paths), draw.choice(_bombs()), draw.choice(odd)])
    nested = draw.choice([value, [value], {"type": "map", "entries": [["value", value]]}, {"value": value}])
    known = _ident(draw, models, model)
    if isinstance(nested, str) and attribute in PROPERTIES.get(class_of(models, known["id"]), ()):
        nested = [nested]  # texts are what fields are for
    noise = draw.randbytes(60)
    events: list[Any] = draw.choice([
        [_change(known, attribute, nested)],
        [_change(known, attribute, nested)],
        [_change(known, attribute, _made(model, attribute, nested))],
        [_change(_made(model, attribute, nested), attribute, nested)],
        [_stranger(draw, models, model, attribute, nested)],
        [_stranger(draw, models, model, attribute, nested)],
    ])  # fmt: skip
    plain = events[0] if events[0].get("kind") == "ModelChanged" and events[0]["model"] == known else None
    body = json.dumps({"events": events})
    whole = {"doc": {"roots": [_made(model, attribute, nested)], "defs": [], "title": "x", "version": "3.9.2"}}
    rare: list[Message] = [
        ("PUSH-DOC", json.dumps(whole), ()),
        ("PATCH-DOC", json.dumps({"events": events, "references": [_made(model, attribute, nested)]}), ()),
        ("SERVER-INFO-REQ", "{}", ()),
        ("PATCH-DOC", body, (noise,)),
        ("PATCH-DOC", draw.choice(["{", "[]", "{}", "[" * 10**5, '{"events": 1}', "9" * 5000]), ()),
        (draw.choice(["PATCH-DOC", "PUSH-DOC", "NOTHING"]), noise, ()),
    ]
    if draw.random() < 0.04:
        return draw.choice(rare), None
    return ("PATCH-DOC", body, ()), None if plain is None else (known["id"], attribute)
