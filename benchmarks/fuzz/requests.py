"""Requests that no browser of ours makes: other paths, sites, methods and bodies."""

from __future__ import annotations

import contextlib
import random
import re
import socket
from pathlib import Path
from urllib.parse import quote

__all__ = ["TOKENS", "hostile_request", "request", "send", "upgrade"]

# Of the servers that are asked, by port.
TOKENS: dict[int, str] = {}


def _whole(answer: bytes) -> bool:
    """Whether an answer is there to its end, by the length that it gives itself."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    return bool(length) and len(body) >= int(length[1])


def send(port: int, data: bytes, wait: float = 10.0) -> tuple[int, bytes]:
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


def request(port: int, path: str = "/", method: str = "GET", body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request, with the token's cookie where none is given; headers' ``_`` is ``-``."""
    given = {"Host": f"127.0.0.1:{port}", "Connection": "close"}
    given |= {"Cookie": f"copper-token-{port}={TOKENS[port]}"} if port in TOKENS else {}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def upgrade(port: int, **headers: str) -> bytes:
    """A websocket's handshake, as a browser makes it but for what is given."""
    usual = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    usual |= {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": f"http://127.0.0.1:{port}"}
    return request(port, "/ws", **{**usual, **headers})


def _paths(draw: random.Random, place: Path) -> str:
    """A path that would lead to a file of this machine, were it followed."""
    ups = draw.choice(
        ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..\\", "..%5c", "....//", "%252e%252e/", "..%c0%af", "/"]
    )
    start = draw.choice(["/", "/static/", "/static/js/", "/static/extensions/panel/", "//", "/components/", "/assets/"])
    target = draw.choice([str(place).lstrip("/"), "etc/passwd", "proc/self/environ", "proc/self/cmdline", "setup.cfg"])
    target = draw.choice([target, quote(target, safe=""), target + "%00.js", target + "?v=1", "file:///" + target])
    return start + ups * draw.randint(1, 12) + target


def hostile_request(draw: random.Random, port: int, place: Path) -> bytes:
    """One request that must not succeed."""
    here = f"127.0.0.1:{port}"
    stranger = draw.choice(
        ["evil.example", f"evil.example:{port}", "127.0.0.1:1", f"127.0.0.1.evil.example:{port}", ""]
    )
    big = draw.choice([2**16 + 1, 2**31, 2**63])
    noise = bytes(draw.randrange(256) for _ in range(draw.randint(1, 400)))
    other = draw.choice(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "\x00"])
    frame = draw.choice(["iframe", "embed", "object", "image", ""])
    module = draw.choice(["antigravity", "os", "copper_tf.cli.main", "tests.conftest"])
    bare = {"Sec_WebSocket_Protocol": f"bokeh, {quote(noise[:40])}"}
    return draw.choice([
        lambda: request(port, _paths(draw, place)),
        lambda: request(port, _paths(draw, place)),
        lambda: request(port, _paths(draw, place), "HEAD"),
        lambda: request(port, f"/components/{module}/path/__file__/x.js"),
        lambda: request(port, draw.choice(["/autoload.js?bokeh-autoload-element=a", "/metadata", "/admin", "/login"])),
        lambda: request(port, "/", "POST", noise, Content_Length=str(len(noise)), Content_Type="multipart/form-data"),
        lambda: request(port, "/", "POST", noise, Content_Length=str(big)),
        lambda: request(port, "/", "GET", noise, Content_Length=draw.choice(["-1", "abc", "1, 2", str(big)])),
        lambda: request(port, "/", "POST", b"ffffffff\r\n" + noise, Transfer_Encoding="chunked"),
        lambda: request(port, "/", other),
        lambda: request(port, "/", Host=stranger),
        lambda: request(port, "/", Origin=f"http://{stranger or 'null'}"),
        lambda: request(port, "/static/js/bokeh.min.js", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors"),
        lambda: request(port, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest=frame),
        lambda: request(port, "/", Cookie=draw.choice(["", f"copper-token-{port}=", f"copper-token-{port}=x"])),
        lambda: request(port, "/", X_Noise="a" * 2**17),
        lambda: upgrade(port, Origin=f"http://{stranger or 'null'}", Sec_WebSocket_Protocol="bokeh, x"),
        lambda: upgrade(port, Host=stranger, Origin=f"http://{here}"),
        lambda: upgrade(port, Sec_WebSocket_Version=draw.choice(["0", "99", "x"]), **bare),
        lambda: upgrade(port, Sec_WebSocket_Key="", **bare),
        lambda: upgrade(port, Upgrade=draw.choice(["h2c", "", "websockets"]), **bare),
        lambda: noise + b"\r\n\r\n",
        lambda: b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        lambda: b"GET / HTTP/9.9\r\nHost: " + here.encode() + b"\r\n\r\n",
    ])()  # fmt: skip
