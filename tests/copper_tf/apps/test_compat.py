"""The private names of Bokeh and Panel are still there, and their loss is a clear error."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("panel", reason="Panel isn't installed")

from bokeh.core.property.visual import Image  # noqa: E402
from bokeh.models.annotations import dimensional  # noqa: E402
from panel.io import server  # noqa: E402
from panel.widgets import FileDropper  # noqa: E402

from copper_tf.apps import compat  # noqa: E402


@pytest.fixture
def _pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restores Bokeh's own reading of pictures after the test."""
    monkeypatch.setattr(Image, "transform", Image.transform)


@pytest.mark.usefixtures("_pictures")
@pytest.mark.parametrize(
    ("owner", "name", "use"),
    [
        (Image, "transform", compat.open_no_pictures),
        (server, "WSHandler", compat.connection_handler),
        (server.WSHandler, "_receive", compat.connection_handler),
        (server.WSHandler, "_handle", compat.connection_handler),
        (server.WSHandler, "_protocol_error", compat.connection_handler),
        (server.WSHandler, "send_message", compat.connection_handler),
        (FileDropper, "_process_event", compat.file_dropper),
        (dimensional, "ImperialLength", lambda: compat.scale_bar_units({"px": (1.0, "px")}, [1.0])),
    ],
)
def test_a_private_name_that_goes_is_a_clear_error(
    owner: Any, name: str, use: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    for base in owner.__mro__ if isinstance(owner, type) else (owner,):
        if name in vars(base):
            monkeypatch.delattr(base, name)
    with pytest.raises(
        RuntimeError, match=rf"(bokeh|panel): this version has no .*{name}, which the pages need"
    ) as error:
        use()
    assert "\n" not in str(error.value)


def test_the_application_of_a_server_is_found() -> None:
    from bokeh.server.server import Server

    own = Server({}, port=0)
    try:
        assert compat.tornado_application(own).wildcard_router is not None
    finally:
        own.stop()
    with pytest.raises(RuntimeError, match="bokeh: this version has no SimpleNamespace._tornado"):
        compat.tornado_application(SimpleNamespace())


def test_websocket_routes_that_moved_are_a_clear_error() -> None:
    handler, other = compat.connection_handler(), type("Other", (), {})
    rules = [SimpleNamespace(target=other), SimpleNamespace(target=handler)]
    application = SimpleNamespace(wildcard_router=SimpleNamespace(rules=rules))
    compat.replace_connection_handler(application, str)
    assert [rule.target for rule in rules] == [other, str]
    with pytest.raises(RuntimeError, match="panel: this version has its websocket routes elsewhere"):
        compat.replace_connection_handler(application, str)


def test_only_messages_with_a_part_of_a_file_count() -> None:
    part = {"name": "a.tif", "chunk": 1}
    assert compat.upload_event(SimpleNamespace(event_name="upload_event", data=part)) is part
    for event in (SimpleNamespace(event_name="delete_event", data=part), SimpleNamespace(event_name="upload_event")):
        assert compat.upload_event(event) is None
