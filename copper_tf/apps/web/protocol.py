"""What a window may tell the server: one table; all else is refused before Bokeh sees it.

Bokeh lets a client set any property of any model and make models of its own, and some properties open a string as a
path. Of a message that is allowed only what the table names goes on to Bokeh, and no value but plain ones: numbers,
texts, short lists, and the bytes of an uploaded file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["EVENTS", "PROPERTIES", "UNUSED", "Refused", "allowed"]

# Greater numbers are no place in a picture, size or setting; longer texts no name or note.
_MAX_NUMBER, _MAX_TEXT, _MAX_LIST = 1e15, 2000, 100


class Refused(ValueError):  # noqa: N818 - the answer to a client, no error of the server
    """A message that no page of ours sends."""


def _number(value: Any) -> float:
    if type(value) in (int, float) and abs(value) <= _MAX_NUMBER:
        return value  # type: ignore[no-any-return]
    raise Refused("a number is needed")


def _whole(value: Any) -> int:
    if type(value) is int and 0 <= value <= _MAX_NUMBER:
        return value
    raise Refused("a whole number is needed")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Refused("true or false is needed")


def _text(value: Any) -> str:
    # A half of a surrogate pair can't be written to any file.
    if isinstance(value, str) and len(value) <= _MAX_TEXT and not any("\ud800" <= c <= "\udfff" for c in value):
        return value
    raise Refused("a short text is needed")


def _wholes(value: Any) -> list[int]:
    if isinstance(value, list) and len(value) <= _MAX_LIST:
        return [_whole(entry) for entry in value]
    raise Refused("a short list is needed")


def _text_or_wholes(value: Any) -> str | list[int]:
    return _text(value) if isinstance(value, str) else _wholes(value)


def _buffer(value: Any) -> dict[str, Any]:
    """Bytes that came with the message as they are; packed ones could unpack to any size."""
    if isinstance(value, dict) and value.keys() == {"type", "data"} and value["type"] == "bytes":
        return {"type": "bytes", "data": {"id": _ident(value["data"])}}
    raise Refused("bytes are needed")


def _map(checks: Mapping[str, Check]) -> Check:
    """A map that may hold so much; further entries are left out."""

    def check(value: Any) -> dict[str, Any]:
        found = _entries(value)
        return {"type": "map", "entries": [[key, checks[key](found[key])] for key in checks if key in found]}

    return check


Check = Callable[[Any], Any]

_POINT: dict[str, Check] = dict.fromkeys(("sx", "sy", "x", "y"), _number)
_PART: dict[str, Check] = {"name": _text, "chunk": _whole, "total_chunks": _whole, "data": _buffer}

# What the pages listen to: the properties of a model, and the values of its events.
PROPERTIES: dict[str, dict[str, Check]] = {
    "CheckboxGroup": {"active": _wholes},
    "RadioButtonGroup": {"active": _whole},
    "Range1d": {"start": _number, "end": _number},
    "Slider": {"value": _number, "value_throttled": _number},
    "TextInput": {"value": _text, "value_input": _text},
    "Toggle": {"active": _boolean},
}
EVENTS: dict[str, dict[str, dict[str, Check]]] = {
    "Button": {"button_click": {}},
    "FileDropper": {"upload_event": {"data": _map(_PART)}, "delete_event": {"data": _map({"name": _text})}},
    "ReactiveESM": {"data_event": {"data": _text_or_wholes}},
    "TextInput": {"enter-pressed": {"value_input": _text}},
    "figure": dict.fromkeys(("mouseleave", "mousemove", "pressup", "tap"), _POINT),
}
# Those of no model.
_DOCUMENT_EVENTS = ("document_ready", "client_reconnected")
# What browsers tell unasked: it is passed over.
UNUSED: dict[str, tuple[str, ...]] = {
    "BrowserInfo": (
        "dark_mode", "device_pixel_ratio", "language", "timezone", "timezone_offset", "webdriver", "webgl"
    ),
    "Column": ("scroll_position",),
    "DataRange1d": ("start", "end"),
    "Span": ("location",),
    "figure": ("inner_width", "inner_height", "outer_width", "outer_height"),
}  # fmt: skip


def _ident(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"id"} and isinstance(value["id"], str):
        return value["id"]
    raise Refused("a reference is needed")


def _entries(value: Any) -> dict[str, Any]:
    """The entries of a map with texts as keys."""
    if not isinstance(value, dict) or value.get("type") != "map" or not value.keys() <= {"type", "entries"}:
        raise Refused("a map is needed")
    entries = value.get("entries", [])
    if not isinstance(entries, list) or len(entries) > _MAX_LIST:
        raise Refused("a short map is needed")
    if not all(isinstance(e, list) and len(e) == 2 and isinstance(e[0], str) for e in entries):
        raise Refused("a map of texts is needed")
    return dict(entries)


def _model(value: Any, models: Any) -> tuple[str, str] | None:
    """(class, ident) of a model of the page; None of one that the server has removed meanwhile.

    Browsers describe some models as a whole, also such that the page has; only the ident counts.
    """
    ident = value.get("id") if isinstance(value, dict) else None
    if not isinstance(ident, str):
        raise Refused("a model of the page is needed")
    model = models.get_by_id(ident)
    if model is None and models.seen(ident):
        return None
    if model is None:
        raise Refused("a model of the page is needed")
    return type(model).__name__, ident


def _change(event: dict[str, Any], models: Any) -> dict[str, Any] | None:
    found, name = _model(event.get("model"), models), _text(event.get("attr"))
    if found is None or name in UNUSED.get(found[0], ()):
        return None
    check = PROPERTIES.get(found[0], {}).get(name)
    if check is None:
        raise Refused(f"{found[0]}.{name[:40]!r} is not for browsers to set")
    return {"kind": "ModelChanged", "model": {"id": found[1]}, "attr": name, "new": check(event.get("new"))}


def _sent(event: dict[str, Any], models: Any) -> dict[str, Any] | None:
    data = event.get("msg_data")
    if event.get("msg_type") != "bokeh_event" or not isinstance(data, dict) or data.get("type") != "event":
        raise Refused("an event of the page is needed")
    name, values = _text(data.get("name")), _entries(data.get("values"))
    entries: list[list[Any]] = []
    if "model" in values or name not in _DOCUMENT_EVENTS:
        found = _model(values.get("model"), models)
        if found is None:
            return None
        checks = EVENTS.get(found[0], {}).get(name)
        if checks is None:
            raise Refused(f"{found[0]} has no event {name[:40]!r}")
        entries = [["model", {"id": found[1]}], *([key, checks[key](values[key])] for key in checks if key in values)]
    content = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
    return {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": content}


_KINDS = {"ModelChanged": _change, "MessageSent": _sent}


def allowed(kind: str, content: Any, models: Any) -> dict[str, Any]:
    """What of a message goes on to Bokeh.

    Args:
        kind: of the message, such as ``"PATCH-DOC"``.
        content: of the message, from JSON.
        models: of the window's document.

    Raises:
        Refused: if any part of it isn't what the table names.
    """
    if kind == "PULL-DOC-REQ":
        return {}
    events = content.get("events") if isinstance(content, dict) and content.keys() == {"events"} else None
    if kind != "PATCH-DOC" or not isinstance(events, list) or len(events) > _MAX_LIST:
        raise Refused("a change of the page is needed")
    kept = []
    for event in events:
        check = _KINDS.get(str(event.get("kind"))) if isinstance(event, dict) else None
        if check is None:
            raise Refused("only values and events are taken")
        kept.append(check(event, models))
    return {"events": [event for event in kept if event is not None]}
