"""A limit to what a message of a page may unpack to."""

from __future__ import annotations

import base64
import zlib
from typing import Any

from bokeh.core.serialization import Deserializer

__all__ = ["limit"]

# How zlib calls a gzip stream.
_GZIP = zlib.MAX_WBITS | 16


def limit(most: int) -> None:
    """Sets how many bytes a packed value in a message may hold, for all servers of this process.

    Bokeh unpacks without a limit, by which a message of 1 MB takes 2 GB of memory. Browsers pack nothing: they send
    buffers as they are, whose size is that of the message.

    Args:
        most: bytes.
    """
    # The one place where Bokeh unpacks; it has no setting of its own for it.
    whole = getattr(Deserializer, "_unlimited", Deserializer._decode_bytes)

    def decode(self: Any, obj: Any) -> Any:
        packed = obj["data"]
        if not isinstance(packed, str):
            return whole(self, obj)
        stream = zlib.decompressobj(_GZIP)
        found = stream.decompress(base64.b64decode(packed), most)
        if not stream.eof:
            self.error(f"a packed value must be whole and of at most {most} bytes")
        return found

    Deserializer._unlimited = whole
    Deserializer._decode_bytes = decode
