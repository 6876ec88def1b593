"""What is looked at in an exported file before its runtime opens it: that it only computes, from its own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tfds_copper.errors import RunError

__all__ = ["check_litert", "check_onnx", "check_openvino"]

# How much of a name is shown.
_SHOWN = 60
# The parts of an ONNX file that hold others: their kind by the number of the field. See onnx.proto.
_PARTS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# Of a node the set of operators that its own is of; of a tensor whatever says that its values lie elsewhere.
_OPERATORS, _ELSEWHERE = ("node", 7), {("tensor", 13), ("tensor", 14)}
_STANDARD = (b"", b"ai.onnx")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _number(data: memoryview, at: int) -> tuple[int, int]:
    """(value, place behind it) of a number in protocol buffers' form of seven bits a byte."""
    value = shift = 0
    while True:
        byte = data[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    """(number, value) of every field of a message; numbers for numbers, bytes for all that has a length."""
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        form = key & 7
        if form == _VARINT:
            value, at = _number(data, at)
            yield key >> 3, value
            continue
        if form not in (_FIXED64, _BYTES, _FIXED32):
            raise ValueError(f"a field of form {form}")
        size, at = _number(data, at) if form == _BYTES else ({_FIXED64: 8, _FIXED32: 4}[form], at)
        if at + size > len(data):
            raise ValueError("a file that ends too early")
        yield key >> 3, data[at : at + size]
        at += size


def check_onnx(path: Path, content: bytes) -> None:
    """Refuses an ONNX file whose numbers lie in other files, or that needs more than ONNX' own operators.

    Args:
        path: of the file, for the error.
        content: of the file.

    Raises:
        RunError: naming what it holds.
        ValueError: if it is no ONNX file.
    """
    ahead: list[tuple[str, memoryview]] = [("model", memoryview(content))]
    while ahead:
        kind, data = ahead.pop()
        for number, value in _fields(data):
            if (kind, number) in _ELSEWHERE and value != 0:
                raise RunError(f"{path}: must hold all of its numbers itself. Received: external data")
            if (kind, number) == _OPERATORS and bytes(value) not in _STANDARD:
                name = bytes(value[:_SHOWN]).decode(errors="replace")
                raise RunError(f"{path}: must need no operators but those of ONNX. Received: some of {name!r}")
            if number in _PARTS[kind]:
                if isinstance(value, int):
                    raise ValueError("a number where a part should be")
                ahead.append((_PARTS[kind][number], value))


def check_openvino(path: Path) -> None:
    """Refuses a pair of OpenVINO's files that needs an extension, or whose numbers lie elsewhere.

    Args:
        path: of the ``.xml`` file.

    Raises:
        RunError: naming what it holds.
    """
    numbers = path.with_suffix(".bin")
    if numbers.resolve().parent != path.resolve().parent:
        raise RunError(f"{numbers}: must lie beside {path.name}. Received: a link that leaves its folder")
    try:
        layers = ElementTree.fromstring(path.read_bytes()).iter("layer")
    except ElementTree.ParseError as error:
        raise RunError(f"{path}: must be an intact export of `copper export`. Received: {error}") from None
    for layer in layers:
        version = layer.get("version", "")
        if not version.removeprefix("opset").isdigit():
            name = f"{layer.get('type')} of {version or 'no version'}"[:_SHOWN]
            raise RunError(f"{path}: must need no operators but OpenVINO's own. Received: {name!r}")


def check_litert(path: Path, content: bytes) -> None:
    """Refuses a LiteRT model with operators that aren't LiteRT's own, such as TensorFlow's, or numbers in other files.

    Args:
        path: of the file, for the error.
        content: of the file.

    Raises:
        RunError: naming what it holds.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAsModel(content, 0)
    for k in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(k)
        if code.CustomCode() or schema.BuiltinOperator.CUSTOM in (code.BuiltinCode(), code.DeprecatedBuiltinCode()):
            name = (code.CustomCode() or b"")[:_SHOWN].decode(errors="replace")
            raise RunError(f"{path}: must need no operators but LiteRT's own. Received: {name!r}")
    if model.ExternalBufferGroupsLength():
        raise RunError(f"{path}: must hold all of its numbers itself. Received: external buffers")
