"""Nothing is reported to anyone: OpenVINO, NNCF and ONNX Runtime report their use as soon as they are imported."""

from __future__ import annotations

import os
import sys

__all__ = ["without_telemetry"]

_MODULE = "openvino_telemetry"
# ONNX Runtime reads it when it is imported, and so do the processes that this one starts.
_SWITCH = "ORT_DISABLE_TELEMETRY"


def without_telemetry() -> None:
    """Makes OpenVINO and NNCF do without the package that they report by, and tells ONNX Runtime to report nothing.

    To be called before they are imported; it holds for this process and those that it starts, and writes nothing. A
    program that has imported them before has chosen for itself, and is left alone.
    """
    # To Python None means that there is no such module.
    sys.modules.setdefault(_MODULE, None)  # type: ignore[arg-type]
    os.environ.setdefault(_SWITCH, "1")
