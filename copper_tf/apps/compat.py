"""Private names of Bokeh, Panel and Tornado that the pages rely on, each in one place.

Every function raises `RuntimeError` in one line where an upgrade has taken its name away.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "connection_handler",
    "file_dropper",
    "open_no_pictures",
    "replace_connection_handler",
    "scale_bar_units",
    "tornado_application",
    "upload_event",
]

# What a connection handler must have for `web.websocket` to override it.
_CONNECTION_METHODS = ("_receive", "_handle", "_protocol_error", "send_message", "prepare")


def _private(owner: Any, name: str, package: str) -> Any:
    """A private attribute of another package."""
    if not hasattr(owner, name):
        raise RuntimeError(
            f"{package}: this version has no {getattr(owner, '__name__', type(owner).__name__)}.{name}, which the "
            "pages need; install the versions of copper-tf's extra app"
        )
    return getattr(owner, name)


def open_no_pictures() -> None:
    """Has Bokeh take a text as it is where a property wants a picture, for all servers of this process.

    Bokeh opens such a text as a path. `web.protocol` lets no client set one; this is a second wall behind it.
    """
    from bokeh.core.property.visual import Image

    original = _private(Image, "transform", "bokeh")
    original = getattr(original, "original", original)

    def transform(self: Any, value: Any) -> Any:
        return value if isinstance(value, str) else original(self, value)

    transform.original = original  # type: ignore[attr-defined]
    Image.transform = transform


def tornado_application(server: Any) -> Any:
    """The Tornado application of a Bokeh server, which has no public name.

    Args:
        server: a `bokeh.server.server.Server`.
    """
    return _private(server, "_tornado", "bokeh")


def connection_handler() -> type[Any]:
    """Panel's websocket handler, checked for the methods that `web.websocket` overrides or calls."""
    from panel.io import server

    handler: type[Any] = _private(server, "WSHandler", "panel")
    for name in _CONNECTION_METHODS:
        _private(handler, name, "panel")
    return handler


def replace_connection_handler(application: Any, handler: type[Any]) -> None:
    """Makes an application use another handler for its websockets.

    Args:
        application: a Tornado application of a Bokeh server.
        handler: a subclass of `connection_handler`.
    """
    routes = [rule for rule in application.wildcard_router.rules if rule.target is connection_handler()]
    if not routes:
        raise RuntimeError("panel: this version has its websocket routes elsewhere; install those of the extra app")
    for rule in routes:
        rule.target = handler


def file_dropper() -> type[Any]:
    """Panel's FileDropper, checked for the method that the viewer's drop zone overrides."""
    from panel.widgets import FileDropper

    _private(FileDropper, "_process_event", "panel")
    widget: type[Any] = FileDropper
    return widget


def scale_bar_units(basis: dict[str, Any], ticks: list[float]) -> Any:
    """Units of a Bokeh scale bar with another basis; BokehJS doesn't know the public class CustomDimensional.

    Args:
        basis: factor and symbols of each unit, in the first.
        ticks: lengths that a scale bar may have.
    """
    from bokeh.models.annotations import dimensional

    return _private(dimensional, "ImperialLength", "bokeh")(basis=basis, ticks=ticks)


def upload_event(event: Any) -> dict[str, Any] | None:
    """The data of a message of Panel's FileDropper that carries a chunk of a file; None of any other message.

    Args:
        event: what `FileDropper._process_event` gets.
    """
    data = getattr(event, "data", None)
    return data if event.event_name == "upload_event" and isinstance(data, dict) else None
