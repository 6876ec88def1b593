"""The writers: one function a format, from the exported computation to a file that its own runtime opens."""

from __future__ import annotations

import contextlib
import io
import logging
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from copper_tf.exporters.compat import openvino_model
from copper_tf.exporters.deployed_model import DeployedModel
from copper_tf.inference.exported.metadata import INPUT, KEY
from copper_tf.inference.exported.runtimes import METADATA_FILE, METADATA_IN_SAVED_MODEL
from copper_tf.inference.exported.telemetry import without_telemetry
from tfds_copper.files import write_text

__all__ = ["OPSET", "PACKAGES", "WRITERS", "Writer"]

# From the computation, the text of its metadata, the file to write and pictures to calibrate with ``(1, h, w, 1)``.
Writer = Callable[[DeployedModel, str, Path, Sequence[np.ndarray]], None]
# ONNX operators of 2022, which every runtime of today knows.
OPSET = 17


def write_saved_model(module: DeployedModel, metadata: str, path: Path, _: Sequence[np.ndarray]) -> None:
    """A SavedModel, ready for TensorFlow Serving: signatures ``uint8`` (the default), ``uint16``, ``png``, ``grey``."""
    signatures = {name: getattr(module, name) for name in ("uint8", "uint16", "png", INPUT)}
    log = tf.get_logger()
    level = log.level
    # It would say where assets are written: a folder of no lasting name.
    log.setLevel(logging.ERROR)
    try:
        tf.saved_model.save(module, str(path), signatures={"serving_default": module.uint8, **signatures})
    finally:
        log.setLevel(level)
    write_text(path / METADATA_IN_SAVED_MODEL, metadata)


def write_onnx(module: DeployedModel, metadata: str, path: Path, _: Sequence[np.ndarray]) -> None:
    """An ONNX file; the metadata is in its metadata."""
    import onnx
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    signature = module.grey.input_signature
    model, _ = tf2onnx.convert.from_function(module.grey, input_signature=signature, opset=OPSET)
    onnx.helper.set_model_props(model, {KEY: metadata})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _intermediate(module: DeployedModel, metadata: str) -> Any:
    """OpenVINO's own form of the computation."""
    without_telemetry()
    model = openvino_model(module.grey.get_concrete_function())
    model.set_rt_info(metadata, [KEY])
    return model


def write_openvino(module: DeployedModel, metadata: str, path: Path, _: Sequence[np.ndarray]) -> None:
    """OpenVINO's pair of files, float32; the metadata is in its runtime information."""
    without_telemetry()
    import openvino

    openvino.save_model(_intermediate(module, metadata), path, compress_to_fp16=False)


def _before(operations: Sequence[Any]) -> list[Any]:
    """Every operation that some operations get their numbers from, and these."""
    before: dict[str, Any] = {}
    ahead = list(operations)
    while ahead:
        operation = ahead.pop()
        if operation.get_friendly_name() not in before:
            before[operation.get_friendly_name()] = operation
            ahead += [value.get_source_output().get_node() for value in operation.inputs()]
    return list(before.values())


def _exact(model: Any) -> list[str]:
    """The operations that 8 bits would spoil.

    Those of few numbers and much weight: to one channel, and a classifier's head; and all up to the first convolution,
    as local normalisation takes the difference of two averages that are all but equal.
    """

    def channels(value: Any) -> int:
        size = value.get_partial_shape()[1]
        return size.get_length() if size.is_static else 0

    kinds = {name: [o for o in model.get_ops() if o.get_type_name() == name] for name in ("Convolution", "MatMul")}
    first = [o for o in kinds["Convolution"] if channels(o.input(0)) == 1]
    last = [o for o in kinds["Convolution"] if channels(o.output(0)) == 1]
    kept = [*_before(first), *last, *kinds["MatMul"]]
    return sorted({o.get_friendly_name() for o in kept if o.get_type_name() not in ("Constant", "Parameter")})


def write_openvino_int8(module: DeployedModel, metadata: str, path: Path, pictures: Sequence[np.ndarray]) -> None:
    """The same with 8-bit convolutions, whose ranges are those met in `pictures`; the rest stays float32."""
    without_telemetry()
    import nncf
    import openvino

    nncf.set_log_level(logging.ERROR)
    model = _intermediate(module, metadata)
    # Its own progress bars would break into ours.
    with contextlib.redirect_stdout(io.StringIO()):
        model = nncf.quantize(
            model,
            nncf.Dataset(list(pictures), lambda picture: {INPUT: picture}),
            subset_size=len(pictures),
            # Asymmetric ranges after a ReLU, and biases corrected layer by layer: half of the default's deviation.
            preset=nncf.QuantizationPreset.MIXED,
            fast_bias_correction=False,
            ignored_scope=nncf.IgnoredScope(names=_exact(model)),
        )
    model.set_rt_info(metadata, [KEY])
    openvino.save_model(model, path, compress_to_fp16=False)


def write_litert(module: DeployedModel, metadata: str, path: Path, _: Sequence[np.ndarray]) -> None:
    """A LiteRT (TensorFlow Lite) model; the metadata is a file attached to it, as is usual for that format."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.grey.get_concrete_function()], module)
    path.write_bytes(converter.convert())
    with zipfile.ZipFile(path, "a") as attached:
        attached.writestr(METADATA_FILE, metadata)


WRITERS: dict[str, Writer] = {
    "savedmodel": write_saved_model,
    "onnx": write_onnx,
    "openvino": write_openvino,
    "openvino-int8": write_openvino_int8,
    "litert": write_litert,
}
# What must be installed to write each, as Python imports it; reading it needs what `runtimes.RUNTIMES` says.
PACKAGES: dict[str, tuple[str, ...]] = {
    "onnx": ("onnx", "tf2onnx"),
    "openvino-int8": ("nncf",),
}
