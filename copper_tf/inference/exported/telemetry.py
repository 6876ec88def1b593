"""Nothing is reported to anyone: OpenVINO and NNCF report their use to Intel as soon as they are imported."""

from __future__ import annotations

import sys

__all__ = ["without_telemetry"]

_MODULE = "openvino_telemetry"


def without_telemetry() -> None:
    """Makes OpenVINO and NNCF do without the package that they report by, as where it isn't installed.

    To be called before they are imported; it holds for this process and writes nothing. A program that has imported
    them before has chosen for itself, and is left alone.
    """
    # To Python None means that there is no such module.
    sys.modules.setdefault(_MODULE, None)  # type: ignore[arg-type]
