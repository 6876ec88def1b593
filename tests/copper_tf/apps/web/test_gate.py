"""Who gets in to a local page, and who doesn't: strangers, other sites, other paths; the server lives on."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from copper_tf.cli.main import main
from tests.conftest import ROOT, chromium

pytest.importorskip("panel", reason="Panel isn't installed")

SECRET = "secret-of-the-disk"
TEXT = "a page of copper"
# Seeds of the malicious requests, and how many are drawn from each.
SEEDS, EACH = (1, 2, 3, 4), 50
_PAGE = """
import sys
from tornado.web import RequestHandler
from copper_tf.apps.web.server import serve

class Given(RequestHandler):
    def get(self, number):
        self.finish(number)

def page():
    import panel as pn
    from bokeh.plotting import figure
    plot = figure(width=200, height=200)
    plot.line([0, 1], [0, 1])
    return pn.Column(pn.pane.HTML("a page of copper"), pn.pane.Bokeh(plot), pn.widgets.FileDropper())

on_start = lambda url: print(url, flush=True)
routes = [("/given/([0-9]+)", Given, {})]
address, port = sys.argv[1], int(sys.argv[2])
serve(page, address, port, on_start, "Copper", max_message_bytes=2**16, routes=routes, extensions=["filedropper"])
"""


@contextlib.contextmanager
def _served(address: str = "127.0.0.1", log: Any = subprocess.PIPE) -> Iterator[tuple[str, int, str, Any]]:
    """A page in a process of its own: (address, port, token, process). A pipe that nobody reads can block it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _PAGE, address, "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        found = re.fullmatch(r"http://[^/]+:(\d+)/(?:\?token=(.+))?", url)
        assert found, url or process.communicate()
        yield url, int(found[1]), found[2] or "", process
    finally:
        process.kill()
        process.communicate()


def _whole(answer: bytes) -> bool:
    """Whether an answer is there to its end, by the length that it gives itself."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    return bool(length) and len(body) >= int(length[1])


def _send(port: int, data: bytes, wait: float = 10.0) -> tuple[int, bytes]:
    """What the server says to some bytes: (status, all of the answer); 0 where it says nothing.

    The line stays open meanwhile: a server gives up the answer to who hangs up.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection, contextlib.suppress(OSError):
        connection.sendall(data)
        while not _whole(answer) and (part := connection.recv(2**16)):
            answer += part
            if answer.startswith(b"HTTP/1.1 101"):
                connection.settimeout(1)
    status = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(status[1]) if status else 0, answer


def _request(port: int, path: str = "/", method: str = "GET", body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; headers' ``_`` is ``-``."""
    given = {"Host": f"127.0.0.1:{port}", "Connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _upgrade(port: int, **headers: str) -> bytes:
    """A websocket's handshake, as a browser makes it but for what is given."""
    usual = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    usual |= {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": f"http://127.0.0.1:{port}"}
    return _request(port, "/ws", **{**usual, **headers})


def _token_of(page: bytes) -> str:
    """The session that a page was given."""
    found = re.search(rb'"token":"([^"]+)"', page)
    assert found
    return found[1].decode()


def _paths(draw: random.Random, place: Path) -> str:
    """A path that would lead to a file of this machine, were it followed."""
    ups = draw.choice(
        ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..\\", "..%5c", "....//", "%252e%252e/", "..%c0%af", "/"]
    )
    start = draw.choice(["/", "/static/", "/static/js/", "/static/extensions/panel/", "//", "/components/", "/assets/"])
    target = draw.choice([str(place).lstrip("/"), "etc/passwd", "proc/self/environ", "proc/self/cmdline", "setup.cfg"])
    target = draw.choice([target, quote(target, safe=""), target + "%00.js", target + "?v=1", "file:///" + target])
    return start + ups * draw.randint(1, 12) + target


def _malicious(draw: random.Random, port: int, place: Path) -> bytes:
    """One request that must not succeed."""
    here = f"127.0.0.1:{port}"
    stranger = draw.choice(
        ["evil.example", f"evil.example:{port}", "127.0.0.1:1", f"127.0.0.1.evil.example:{port}", ""]
    )
    big = draw.choice([2**16 + 1, 2**31, 2**63])
    noise = bytes(draw.randrange(256) for _ in range(draw.randint(1, 400)))
    other = draw.choice(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "\x00"])
    module = draw.choice(["antigravity", "os", "copper_tf.cli.main", "tests.conftest"])
    bare = {"Sec_WebSocket_Protocol": f"bokeh, {quote(noise[:40])}"}
    return draw.choice([
        lambda: _request(port, _paths(draw, place)),
        lambda: _request(port, _paths(draw, place)),
        lambda: _request(port, _paths(draw, place), "HEAD"),
        lambda: _request(port, f"/components/{module}/path/__file__/x.js"),
        lambda: _request(port, draw.choice(["/autoload.js?bokeh-autoload-element=a", "/metadata", "/admin", "/login"])),
        lambda: _request(port, "/", "POST", noise, Content_Length=str(len(noise)), Content_Type="multipart/form-data"),
        lambda: _request(port, "/", "POST", noise, Content_Length=str(big)),
        lambda: _request(port, "/", "GET", noise, Content_Length=draw.choice(["-1", "abc", "1, 2", str(big)])),
        lambda: _request(port, "/", "POST", b"ffffffff\r\n" + noise, Transfer_Encoding="chunked"),
        lambda: _request(port, "/", other),
        lambda: _request(port, "/", Host=stranger),
        lambda: _request(port, "/", Origin=f"http://{stranger or 'null'}"),
        lambda: _request(port, "/static/js/bokeh.min.js", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors"),
        lambda: _request(port, "/", X_Noise="a" * 2**17),
        lambda: _upgrade(port, Origin=f"http://{stranger or 'null'}", Sec_WebSocket_Protocol="bokeh, x"),
        lambda: _upgrade(port, Host=stranger, Origin=f"http://{here}"),
        lambda: _upgrade(port, Sec_WebSocket_Version=draw.choice(["0", "99", "x"]), **bare),
        lambda: _upgrade(port, Sec_WebSocket_Key="", **bare),
        lambda: _upgrade(port, Upgrade=draw.choice(["h2c", "", "websockets"]), **bare),
        lambda: noise + b"\r\n\r\n",
        lambda: b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        lambda: b"GET / HTTP/9.9\r\nHost: " + here.encode() + b"\r\n\r\n",
    ])()  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, int, str, Any]]:
    """One page for all tests that leave it running."""
    with _served() as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
def test_no_malicious_request_succeeds(served: Any, tmp_path: Path, seed: int) -> None:
    _, port, _, process = served
    (tmp_path / "secret.js").write_text(SECRET)
    draw = random.Random(seed)
    secrets_ = [
        SECRET.encode(),
        b"root:x:0",
        b"PYTHONPATH=",
        b"[options]",
        TEXT.encode(),
        b'"token":"',
        b"101 Switching",
    ]
    answered = 0
    for number in range(EACH):
        data = _malicious(draw, port, tmp_path / "secret.js")
        # Bodies that never end get no answer.
        status, answer = _send(port, data, 0.5)
        answered += status > 0
        assert status == 0 or 400 <= status < 500, (number, status, data[:200])
        assert not [s for s in secrets_ if s in answer], (number, data[:200], answer[:300])
    assert process.poll() is None and answered > 0.7 * EACH
    assert _send(port, _request(port))[0] == 200


def test_the_page_itself_and_its_files_are_served(served: Any) -> None:
    _, port, _, _ = served
    status, page = _send(port, _request(port))
    assert status == 200 and b'"token":"' in page
    assert _send(port, _request(port, "/static/js/bokeh.min.js"))[0] == 200
    for name in ("localhost", "[::1]"):
        assert _send(port, _request(port, Host=f"{name}:{port}"))[0] == 200
    # A link on another page may lead here, but nothing may be read or framed by it.
    assert _send(port, _request(port, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate"))[0] == 200
    head = page.split(b"\r\n\r\n")[0].decode().lower()
    assert "frame-ancestors 'none'" in head and "nosniff" in head and "access-control-allow-origin" not in head


def test_nothing_is_loaded_from_elsewhere(served: Any) -> None:
    _, port, _, _ = served
    page = _send(port, _request(port))[1].decode()
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+""", page)


def test_a_session_of_ones_own_making_is_refused(served: Any) -> None:
    _, port, _, _ = served
    token = _token_of(_send(port, _request(port))[1])
    assert b" 101 " in _send(port, _upgrade(port, Sec_WebSocket_Protocol=f"bokeh, {token}"))[1][:20]
    forged = token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")
    assert _send(port, _upgrade(port, Sec_WebSocket_Protocol=f"bokeh, {forged}"))[0] == 403


def test_a_message_that_is_too_long_ends_its_own_window_only(served: Any) -> None:
    _, port, _, process = served
    session = f"bokeh, {_token_of(_send(port, _request(port))[1])}"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as window:
        window.sendall(_upgrade(port, Sec_WebSocket_Protocol=session))
        assert window.recv(2**16).startswith(b"HTTP/1.1 101")
        # One text frame of a length that is not allowed, masked with zeros; all of it need not come.
        window.sendall(b"\x81\xff" + (2**16 + 1).to_bytes(8, "big") + bytes(4) + b"x" * 100)
        while window.recv(2**16):
            pass
    assert process.poll() is None and _send(port, _request(port))[0] == 200


@pytest.mark.slow
def test_a_browser_asks_no_other_server() -> None:
    asked, said = [], []
    with chromium() as browser, _served() as (url, port, _, _):
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(url)
        # Markup, a figure, and what takes dropped files: all that our pages are made of.
        page.get_by_text(TEXT).wait_for()
        page.locator(".bk-Figure canvas").first.wait_for(state="attached")
        page.locator(".filepond--root").wait_for()
        # Another site can't show the page inside its own.
        page.goto("data:text/html,<iframe src='" + url + "'></iframe>")
        page.wait_for_timeout(500)
        framed = [frame for frame in page.frames[1:] if TEXT in frame.content()]
    here = (f"http://127.0.0.1:{port}/", f"ws://127.0.0.1:{port}/", "data:", "blob:")
    assert not [address for address in asked if not address.startswith(here)]
    assert not framed
    blocked = [text for text in said if "frame-ancestors" not in text and "X-Frame-Options" not in text]
    assert not blocked


def test_routes_are_reached_by_their_whole_path_alone(served: Any) -> None:
    _, port, _, _ = served
    status, answer = _send(port, _request(port, "/given/12"))
    assert status == 200 and answer.endswith(b"12")
    for path in ("/given/", "/given/a", "/given/12/", "/given/12/../13", "/given/12%00", "/given", "/Given/12"):
        assert _send(port, _request(port, path))[0] == 404, path
    assert _send(port, _request(port, "/given/12", Origin="http://evil.example"))[0] == 403


def test_another_address_needs_the_token_for_everything() -> None:
    with _served("0.0.0.0") as (_, port, token, _):
        assert len(token) >= 32
        wrong = ["", "x", token[:-1], token + "x", token.upper(), "%FF", "%00"]
        for path in ("/", "/static/js/bokeh.min.js", "/favicon.ico", "/nothing"):
            assert _send(port, _request(port, path))[0] == 403
            for given in wrong:
                cookie = f"copper-token-{port}={given}"
                assert _send(port, _request(port, f"{path}?token={given}"))[0] == 403, (path, given)
                assert _send(port, _request(port, path, Cookie=cookie))[0] == 403, (path, given)
        assert _send(port, _upgrade(port, Sec_WebSocket_Protocol="bokeh, x"))[0] == 403
        status, answer = _send(port, _request(port, f"/?token={token}"))
        assert status == 303 and b"HttpOnly" in answer and b"SameSite=Strict" in answer
        assert re.search(rb"Location: /\r\n", answer)
        cookie = f"copper-token-{port}={token}"
        status, page = _send(port, _request(port, Cookie=cookie))
        assert status == 200
        session = f"bokeh, {_token_of(page)}"
        assert _send(port, _upgrade(port, Cookie=cookie, Sec_WebSocket_Protocol=session))[0] == 101
        # Another site's page can't use the cookie of a browser that has it, by whatever name it calls us.
        evil = {"Cookie": cookie, "Origin": "http://evil.example"}
        assert _send(port, _upgrade(port, Sec_WebSocket_Protocol=session, **evil))[0] == 403
        assert _send(port, _request(port, f"/?token={token}", Origin="http://evil.example"))[0] == 403


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_and_silently(number: int) -> None:
    with _served() as (_, port, _, process):
        assert _send(port, _request(port))[0] == 200
        process.send_signal(number)
        out, error = process.communicate(timeout=10)
        assert process.returncode == 0 and not error and not out


# Tornado leaves the socket open that it couldn't bind.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_wrong_addresses_and_ports_are_one_line(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from copper_tf.apps.web.server import serve
    from tfds_copper.errors import SettingError

    _, port, _, _ = served
    for address in ("localhost", "there", "", "1.2.3", "::1 x"):
        with pytest.raises(SettingError, match="address must be the IP address"):
            serve(lambda: None, address, 0, print, "x")
    with pytest.raises(SettingError, match=f"free one. Received: 127.0.0.1:{port}"):
        serve(lambda: None, "127.0.0.1", port, print, "x")
    with pytest.raises(SettingError, match="must be this machine's and free"):
        serve(lambda: None, "192.0.2.1", 0, print, "x")
    gc.collect()
    monkeypatch.setitem(sys.modules, "panel", None)
    with pytest.raises(SettingError, match=r"pip install 'copper-tf\[app\]'"):
        serve(lambda: None, "127.0.0.1", 0, print, "x")


def test_help_needs_no_web() -> None:
    code = "import sys, copper_tf.apps.web; sys.exit(any(m in sys.modules for m in ('panel', 'bokeh', 'tornado')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    assert main(["blindtest", "--help"]) == 0
