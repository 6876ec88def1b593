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

import pytest

from benchmarks.fuzz.requests import TOKENS, hostile_request, request, send, upgrade
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
        found = re.fullmatch(r"http://[^/]+:(\d+)/\?token=(.+)", url)
        assert found, url or process.communicate()
        TOKENS[int(found[1])] = found[2]
        yield url, int(found[1]), found[2], process
    finally:
        process.kill()
        process.communicate()


def _token_of(page: bytes) -> str:
    """The session that a page was given."""
    found = re.search(rb'"token":"([^"]+)"', page)
    assert found
    return found[1].decode()


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
        data = hostile_request(draw, port, tmp_path / "secret.js")
        # Bodies that never end get no answer.
        status, answer = send(port, data, 0.5)
        answered += status > 0
        assert status == 0 or 400 <= status < 500, (number, status, data[:200])
        assert not [s for s in secrets_ if s in answer], (number, data[:200], answer[:300])
    assert process.poll() is None and answered > 0.7 * EACH
    assert send(port, request(port))[0] == 200


def test_the_page_itself_and_its_files_are_served(served: Any) -> None:
    _, port, _, _ = served
    status, page = send(port, request(port))
    assert status == 200 and b'"token":"' in page
    assert send(port, request(port, "/static/js/bokeh.min.js"))[0] == 200
    for name in ("localhost", "[::1]"):
        assert send(port, request(port, Host=f"{name}:{port}"))[0] == 200
    # A link on another page may lead here, but nothing may be read or framed by it.
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert send(port, request(port, **link))[0] == 200
    head = page.split(b"\r\n\r\n")[0].decode().lower()
    assert "frame-ancestors 'none'" in head and "nosniff" in head and "access-control-allow-origin" not in head


def test_nothing_is_loaded_from_elsewhere(served: Any) -> None:
    _, port, _, _ = served
    page = send(port, request(port))[1].decode()
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+""", page)


def test_a_session_of_ones_own_making_is_refused(served: Any) -> None:
    _, port, _, _ = served
    token = _token_of(send(port, request(port))[1])
    assert b" 101 " in send(port, upgrade(port, Sec_WebSocket_Protocol=f"bokeh, {token}"))[1][:20]
    forged = token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")
    assert send(port, upgrade(port, Sec_WebSocket_Protocol=f"bokeh, {forged}"))[0] == 403


def test_a_message_that_is_too_long_ends_its_own_window_only(served: Any) -> None:
    _, port, _, process = served
    session = f"bokeh, {_token_of(send(port, request(port))[1])}"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as window:
        window.sendall(upgrade(port, Sec_WebSocket_Protocol=session))
        assert window.recv(2**16).startswith(b"HTTP/1.1 101")
        # One text frame of a length that is not allowed, masked with zeros; all of it need not come.
        window.sendall(b"\x81\xff" + (2**16 + 1).to_bytes(8, "big") + bytes(4) + b"x" * 100)
        while window.recv(2**16):
            pass
    assert process.poll() is None and send(port, request(port))[0] == 200


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
    status, answer = send(port, request(port, "/given/12"))
    assert status == 200 and answer.endswith(b"12")
    for path in ("/given/", "/given/a", "/given/12/", "/given/12/../13", "/given/12%00", "/given", "/Given/12"):
        assert send(port, request(port, path))[0] == 404, path
    assert send(port, request(port, "/given/12", Origin="http://evil.example"))[0] == 403


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_every_address_needs_the_token_for_everything(address: str) -> None:
    with _served(address) as (_, port, token, _):
        TOKENS.pop(port)
        assert len(token) >= 32
        wrong = ["", "x", token[:-1], token + "x", token.upper(), "%FF", "%00"]
        for path in ("/", "/static/js/bokeh.min.js", "/favicon.ico", "/nothing"):
            assert send(port, request(port, path))[0] == 403
            for given in wrong:
                cookie = f"copper-token-{port}={given}"
                assert send(port, request(port, f"{path}?token={given}"))[0] == 403, (path, given)
                assert send(port, request(port, path, Cookie=cookie))[0] == 403, (path, given)
        assert send(port, upgrade(port, Sec_WebSocket_Protocol="bokeh, x"))[0] == 403
        status, answer = send(port, request(port, f"/?token={token}"))
        assert status == 303 and b"HttpOnly" in answer and b"SameSite=Lax" in answer
        assert re.search(rb"Location: /\r\n", answer)
        cookie = f"copper-token-{port}={token}"
        status, page = send(port, request(port, Cookie=cookie))
        assert status == 200
        session = f"bokeh, {_token_of(page)}"
        assert send(port, upgrade(port, Cookie=cookie, Sec_WebSocket_Protocol=session))[0] == 101
        # Another site's page can't use the cookie of a browser that has it, by whatever name it calls us.
        evil = {"Cookie": cookie, "Origin": "http://evil.example"}
        assert send(port, upgrade(port, Sec_WebSocket_Protocol=session, **evil))[0] == 403
        assert send(port, request(port, f"/?token={token}", Origin="http://evil.example"))[0] == 403


@pytest.mark.slow
def test_a_link_in_a_mail_leads_to_the_page() -> None:
    """Control: an embedded page and a request of a script of the same site get nothing."""
    html = "<a href='{url}'>the test</a><iframe src='{url}'></iframe><script>fetch('{url}').catch(() => 0)</script>"
    with chromium() as browser, _served() as (url, port, _, _):
        for host in ("mail.example", "localhost"):
            page = browser.new_context().new_page()
            page.route(
                f"http://{host}/", lambda route: route.fulfill(body=html.format(url=url), content_type="text/html")
            )
            page.goto(f"http://{host}/")
            page.wait_for_timeout(300)
            assert not [frame for frame in page.frames[1:] if TEXT in frame.content()]
            assert not page.context.cookies()
            page.get_by_text("the test").click()
            page.get_by_text(TEXT).wait_for()
            page.reload()
            page.get_by_text(TEXT).wait_for()
            assert page.url == f"http://127.0.0.1:{port}/"
            page.context.close()


def test_no_token_gets_into_a_command_line_or_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copper_tf.apps.web.server import open_in_browser

    called: list[str] = []
    monkeypatch.setattr("webbrowser.open", called.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    open_in_browser("http://127.0.0.1:1/?token=a-secret&b")
    (file,) = tmp_path.iterdir()
    assert called == [file.as_uri()] and "a-secret" not in called[0]
    assert 'url=http://127.0.0.1:1/?token=a-secret&amp;b"' in file.read_text()
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600
    with (tmp_path / "log").open("w") as log, _served(log=log) as (_, port, token, _):
        for path in ("/nothing", "/", "/ws", "/static/js/nothing.js", "/given/x", "/given/1"):
            for method in ("GET", "POST", "HEAD", "BREW"):
                send(port, request(port, f"{path}?token={token}", method), 1)
                send(port, request(port, f"{path}?token={token}", method, Origin="http://evil.example"), 1)
    assert token not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_and_silently(number: int) -> None:
    with _served() as (_, port, _, process):
        assert send(port, request(port))[0] == 200
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
