"""What a window's connection lets through: sessions, sizes, nonsense; and what no page tells of its server."""

from __future__ import annotations

import base64
import json
import random
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.fuzz.requests import request, send, upgrade
from tests.conftest import ROOT
from tests.copper_tf.apps.web.test_gate import _served, _token_of

pytest.importorskip("panel", reason="Panel isn't installed")

# What tells of this machine or of its program.
REVEALING = (b"Traceback", b"site-packages", str(ROOT).encode(), b".py")
NONSENSE = 60


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Any]]:
    """One page for all tests: (port, process)."""
    place = tmp_path_factory.mktemp("log") / "of_the_server.txt"
    with place.open("w") as log, _served(log=log) as (_, port, _, process):
        yield port, process


def _frame(data: bytes, kind: int = 1, last: bool = True) -> bytes:
    """A frame as a browser sends it, masked with zeros; 1 is text, 2 is binary."""
    size = len(data)
    short = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([last << 7 | kind]) + (short if size < 2**16 else b"\xff" + size.to_bytes(8, "big")) + bytes(4) + data


def _message(kind: str, content: bytes = b"{}", **header: Any) -> bytes:
    head = json.dumps({"msgid": "1", "msgtype": kind, **header}).encode()
    return _frame(head) + _frame(b"{}") + _frame(content)


def _patch(*events: dict[str, Any]) -> bytes:
    return _message("PATCH-DOC", json.dumps({"events": events}).encode())


def _window(port: int) -> socket.socket:
    """The connection of a window that was served a page, once it is taken up."""
    session = _token_of(send(port, request(port))[1])
    window = socket.create_connection(("127.0.0.1", port), timeout=10)
    window.sendall(upgrade(port, Sec_WebSocket_Protocol=f"bokeh, {session}"))
    _read(window, b'"ACK"')
    return window


def _read(window: socket.socket, what: bytes = b"", wait: float = 10.0) -> bytes:
    """What comes until something is said, or until the connection ends or is silent."""
    window.settimeout(wait)
    got = b""
    try:
        while not what or what not in got:
            part = window.recv(2**16)
            if not part:
                break
            got += part
    except (TimeoutError, ConnectionError):
        pass
    assert what in got, got[-300:]
    return got


def _goes_on(window: socket.socket) -> None:
    """A window still gets its document."""
    window.sendall(_message("PULL-DOC-REQ"))
    _read(window, b"PULL-DOC-REPLY")


def test_wrong_calls_are_refused_without_a_trace() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 20_000).decode().rstrip("=")
    sessions = [
        "bokeh, junk",
        "bokeh, e30.e30",
        "bokeh",
        "bokeh, a, b",
        "other, a",
        "bokeh, \xe9.\xe9",
        f"bokeh, {deep}.x",
        "",
    ]
    with _served() as (_, port, _, process):
        calls = [request(port, Origin=origin) for origin in ("http://[", "http://\xff", "null", "", "//", "a\tb")]
        calls += [request(port, f"/?{name}=junk") for name in ("bokeh-token", "bokeh-session-id")]
        calls += [request(port, Bokeh_Session_Id="junk"), request(port, "/ws", Origin=f"http://127.0.0.1:{port}")]
        calls += [upgrade(port, Sec_WebSocket_Protocol=session) for session in sessions] + [upgrade(port)]
        for call in calls:
            assert send(port, call)[0] == 403, call[:300]
        assert send(port, request(port))[0] == 200
        process.send_signal(signal.SIGTERM)
        assert not [line for line in process.communicate(timeout=10)[1].splitlines() if "Traceback" in line]


def test_a_session_serves_until_it_is_old() -> None:
    from types import SimpleNamespace

    from bokeh.util.token import generate_jwt_token, generate_session_id

    from copper_tf.apps.web.websocket import Connection

    secret = b"of the server"
    asked = SimpleNamespace(application=SimpleNamespace(sign_sessions=True, secret_key=secret))
    session = generate_session_id(secret, signed=True)
    for key, seconds, taken in ((secret, 60, True), (secret, -1, False), (b"of another", 60, False)):
        token = generate_jwt_token(session, key, signed=True, expiration=seconds)
        assert Connection._is_session(asked, token) is taken


def test_a_page_tells_nothing_of_who_asks() -> None:
    with _served("0.0.0.0") as (_, port, token, _):
        cookie = f"copper-token-{port}={token}; of-another-page=private"
        status, page = send(port, request(port, Cookie=cookie, User_Agent="browser of hers"))
        assert status == 200
        from bokeh.util.token import get_token_payload

        answer = get_token_payload(_token_of(page))
        assert not answer["cookies"] and not answer["headers"]
        assert token.encode() not in page


def test_an_error_tells_nothing_of_the_server(served: Any) -> None:
    port, _ = served
    with _window(port) as window:
        for wrong in (
            _patch({"kind": "ModelChanged", "model": {"id": "nothing"}, "attr": "text", "new": 1}),
            _patch({"kind": "RootAdded", "model": {"type": "object", "name": "os.system", "id": "x"}}),
            _message("PUSH-DOC", b'{"doc": {"roots": []}}'),
        ):
            window.sendall(wrong)
            answer = _read(window, b"could not use a message")
            assert not [word for word in REVEALING if word in answer], answer[:500]
        _goes_on(window)


def test_a_message_of_parts_without_end_is_cut_off(served: Any) -> None:
    port, process = served
    with _window(port) as other:
        with _window(port) as window:
            window.sendall(_message("PATCH-DOC", num_buffers=10**9))
            part = _frame(b'{"id":"x"}') + _frame(b"x" * 30_000, 2)
            # What is allowed still gets the answer to a ping.
            window.sendall(part + _frame(b"here", 9))
            _read(window, b"\x8a\x04here")
            window.sendall(part * 2)
            _read(window, b"too long", 5)
        _goes_on(other)
    with _window(port) as window:
        # Each of many messages may be as large as that; only one may not.
        for _ in range(5):
            window.sendall(_message("PULL-DOC-REQ", b'"' + b"x" * 30_000 + b'"'))
        _read(window, b"PULL-DOC-REPLY")
        _goes_on(window)
    assert process.poll() is None


def _nonsense(draw: random.Random) -> bytes:
    """What no page of ours sends once its connection stands."""
    noise = bytes(draw.randrange(256) for _ in range(draw.randint(1, 300)))
    kind = draw.choice(["PATCH-DOC", "PUSH-DOC", "PULL-DOC-REQ", "ACK", "ERROR", "OK", "nothing", ""])
    attribute = draw.choice(["id", "__class__", "js_event_callbacks", "_callbacks", "value", "stylesheets"])
    model = {"id": draw.choice(["1", "p1001", "../../x", ""])}
    content = draw.choice(
        [b"[" * 9000, b"null", b"{", b'{"events": 7}', b'{"events": [{}]}', b'{"doc": null}', b"[]", b'""']
    )
    return draw.choice([
        lambda: noise,
        lambda: _frame(noise),
        lambda: _frame(noise, draw.randrange(16), draw.random() < 0.5),
        lambda: _message(kind, content),
        lambda: _message(kind, content, num_buffers=draw.choice([-1, 1, "x", 1.5])) + _frame(noise, 2),
        lambda: _message(kind) * 3 + _frame(b"{}", 0),
        lambda: _patch({"kind": "ModelChanged", "model": model, "attr": attribute, "new": noise.hex()}),
        lambda: _patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": {"event_name": kind}}),
        lambda: _patch({"kind": "ColumnDataChanged", "model": model, "data": {"type": "ndarray", "shape": [10**12]}}),
        lambda: _patch({"kind": "RootAdded", "model": {"type": "object", "name": "subprocess.Popen", "id": "x"}}),
    ])()  # fmt: skip


@pytest.mark.slow
def test_nonsense_from_one_window_leaves_the_others_alone(served: Any) -> None:
    port, process = served
    draw = random.Random(5)
    with _window(port) as other:
        for number in range(NONSENSE):
            data = _nonsense(draw)
            with _window(port) as window:
                window.sendall(data)
                answer = _read(window, wait=0.05)
            # Of the state of a window its own page may know; of the server nothing.
            assert not [word for word in REVEALING if word in answer], (number, data[:200], answer[:300])
        _goes_on(other)
    assert process.poll() is None and send(port, request(port))[0] == 200


@pytest.mark.slow
def test_two_pages_at_once_keep_their_windows_apart() -> None:
    with _served("0.0.0.0") as (_, first, one, _), _served("0.0.0.0") as (_, second, two, _):
        # A browser sends the cookies of all ports.
        both = f"copper-token-{first}={one}; copper-token-{second}={two}"
        pages = {port: send(port, request(port, Cookie=both)) for port in (first, second)}
        assert [status for status, _ in pages.values()] == [200, 200]
        for port, other in ((first, second), (second, first)):
            own, foreign = (f"bokeh, {_token_of(pages[p][1])}" for p in (port, other))
            assert send(port, upgrade(port, Cookie=both, Sec_WebSocket_Protocol=own))[0] == 101
            assert send(port, upgrade(port, Cookie=both, Sec_WebSocket_Protocol=foreign))[0] == 403
        swapped = f"copper-token-{first}={two}; copper-token-{second}={one}"
        assert [send(port, request(port, Cookie=swapped))[0] for port in (first, second)] == [403, 403]
