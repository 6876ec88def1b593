"""Opens an exported file in its own runtime; TensorFlow is imported for a SavedModel alone."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from copper_tf.inference.exported.metadata import INPUT, KEY
from copper_tf.inference.exported.model_checks import check_litert, check_onnx, check_openvino
from copper_tf.inference.exported.saved_model_check import check_saved_model
from copper_tf.inference.exported.telemetry import without_telemetry
from copper_tf.utils.tensorflow import literal_path
from tfds_copper.errors import InputError, RunError
from tfds_copper.files import read_member
from tfds_copper.text import first_line

__all__ = [
    "BIOIMAGEIO",
    "FORMATS",
    "METADATA_FILE",
    "METADATA_IN_SAVED_MODEL",
    "RUNTIMES",
    "Call",
    "Runtime",
    "format_of",
    "opened",
]

# Results by name for grey values ``(batch, height, width, 1)`` float32 in [0, 1].
Call = Callable[[np.ndarray], dict[str, np.ndarray]]
# The metadata as a file, where the format has room for one: at the end of a LiteRT model, and in a folder of a
# SavedModel that TensorFlow ignores.
METADATA_FILE = "copper.json"
METADATA_IN_SAVED_MODEL = f"assets.extra/{METADATA_FILE}"


def _saved_model(path: Path) -> tuple[str, Call]:
    import tensorflow as tf

    with literal_path(path) as place:
        check_saved_model(path, place)
        loaded = tf.saved_model.load(place)
    call = loaded.signatures[INPUT]

    def run(grey: np.ndarray) -> dict[str, np.ndarray]:
        # The loaded object must outlive its signatures.
        _ = loaded
        return {name: value.numpy() for name, value in call(**{INPUT: tf.constant(grey)}).items()}

    return (path / METADATA_IN_SAVED_MODEL).read_text(encoding="utf-8"), run


def _onnx(path: Path) -> tuple[str, Call]:
    without_telemetry()
    import onnxruntime

    content, options = path.read_bytes(), onnxruntime.SessionOptions()
    check_onnx(path, content)
    # A form of its own, which was not looked at, is told by its bytes else.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(grey: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, {INPUT: grey}), strict=True))

    return session.get_modelmeta().custom_metadata_map[KEY], run


def _openvino(path: Path) -> tuple[str, Call]:
    without_telemetry()
    import openvino

    check_openvino(path)
    core = openvino.Core()
    model = core.read_model(path)
    # Left to itself it takes bfloat16 where the processor has it, which isn't what was compared with the run.
    request = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    names = [output.get_any_name() for output in model.outputs]

    def run(grey: np.ndarray) -> dict[str, np.ndarray]:
        request.infer({INPUT: grey})
        return {name: request.get_tensor(name).data.copy() for name in names}

    return model.get_rt_info([KEY]).astype(str), run


def _litert(path: Path) -> tuple[str, Call]:
    from ai_edge_litert.interpreter import Interpreter

    content = path.read_bytes()
    check_litert(path, content)
    with zipfile.ZipFile(io.BytesIO(content)) as attached:
        metadata = read_member(attached, METADATA_FILE).decode("utf-8")
    runner = Interpreter(model_content=content).get_signature_runner()
    return metadata, lambda grey: dict(runner(**{INPUT: grey}))


@dataclasses.dataclass(frozen=True)
class Runtime:
    """Where a format lies in an export, and what opens it.

    Attributes:
        package: that must be installed to open it.
        file: relative to the export.
        load: from the path of that file to (text of its metadata, call).
    """

    package: str
    file: str
    load: Callable[[Path], tuple[str, Call]]


# The fastest first: what `copper predict` takes of an export.
RUNTIMES: dict[str, Runtime] = {
    "openvino-int8": Runtime("openvino", "openvino-int8/model.xml", _openvino),
    "openvino": Runtime("openvino", "openvino/model.xml", _openvino),
    "onnx": Runtime("onnxruntime", "onnx/model.onnx", _onnx),
    "litert": Runtime("ai_edge_litert", "litert/model.tflite", _litert),
    "savedmodel": Runtime("tensorflow", "savedmodel", _saved_model),
}
# What `copper export` writes: each of these, and a package for bioimage.io, which others open.
BIOIMAGEIO = "bioimageio"
FORMATS = (*reversed(RUNTIMES), BIOIMAGEIO)


def format_of(path: Path) -> str | None:
    """The format of a single exported file, or of a SavedModel's folder; None where it is neither."""
    if (path / "saved_model.pb").is_file():
        return "savedmodel"
    kinds = {Path(r.file).suffix: name for name, r in RUNTIMES.items() if Path(r.file).suffix}
    return kinds.get(path.suffix.lower()) if path.is_file() else None


def _checked(call: Call) -> Call:
    """A call that refuses what a runtime would convert, guess at or die of, see `Call`."""

    def run(grey: np.ndarray) -> dict[str, np.ndarray]:
        if grey.ndim != 4 or grey.shape[-1] != 1 or not grey.size or grey.dtype != np.float32:
            raise InputError(
                f"{INPUT} must be float32 (batch, height, width, 1), raw value over full scale. "
                f"Received: {grey.dtype} {grey.shape}"
            )
        return call(grey)

    return run


def opened(path: Path, name: str) -> tuple[str, Call]:
    """The text of the metadata of an exported file, and the call of its model.

    Args:
        path: the file, or the folder of a SavedModel.
        name: its format.

    Raises:
        InputError: if the package that opens it isn't installed.
        RunError: if it is damaged, or could do anything but compute.
    """
    runtime = RUNTIMES[name]
    if importlib.util.find_spec(runtime.package) is None:
        raise InputError(f"{path}: needs the package {runtime.package}, e.g. by copper-tf[export]. Received: no such")
    try:
        text, call = runtime.load(path)
        return text, _checked(call)
    except RunError:
        raise
    # Each runtime raises what it likes for a damaged file; all of it says the same to a user.
    except Exception as error:
        reason = first_line(error)
        raise RunError(f"{path}: must be an intact export of `copper export`. Received: {reason}") from None
