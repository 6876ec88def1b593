"""The packages that an export was verified with, so that another machine can predict by the same ones."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from copper_tf.inference.exported.runtimes import RUNTIMES

__all__ = ["REQUIREMENTS", "requirements_text"]

REQUIREMENTS = "requirements.txt"
# What `copper predict` imports to read pictures and to write tables, maps and its progress; a test installs no more.
_PREDICTING = (
    "cattrs", "click", "fasteners", "imagecodecs", "lazy-loader", "numpy", "openpyxl", "pillow", "psutil", "rich",
    "scipy", "tifffile",
)  # fmt: skip
# OpenVINO asks for it in order to report its use, which nothing of ours does.
_UNWANTED = "openvino-telemetry"
_HEAD = """\
# What this export was verified with: Python {python}, {system}. It is all that `copper predict` needs there:
#     pip install --no-deps -r {file}
#     pip install --no-deps COPPER_TF
# where COPPER_TF is the folder or the wheel of copper-tf {version}.
"""


def _closure(names: Iterable[str]) -> dict[str, str]:
    """The version of each package, and of all that it needs here."""
    found: dict[str, str] = {}
    ahead = list(names)
    while ahead:
        name = canonicalize_name(ahead.pop())
        if name in found or name == _UNWANTED:
            continue
        distribution = metadata.distribution(name)
        found[name] = distribution.version
        wanted = map(Requirement, distribution.requires or ())
        ahead += [w.name for w in wanted if w.marker is None or w.marker.evaluate({"extra": ""})]
    return found


def requirements_text(formats: Iterable[str]) -> str:
    """The text of ``requirements.txt``, every package with its version; it is whole, so nothing else is installed.

    Args:
        formats: that were exported, of which the runtimes are listed; TensorFlow only where no other opens the export.
    """
    packages = {RUNTIMES[name].package for name in formats if name in RUNTIMES}
    light = packages - {RUNTIMES["savedmodel"].package}
    distributions = metadata.packages_distributions()
    runtimes = [distributions[package][0] for package in light or packages]
    head = _HEAD.format(
        python=platform.python_version(), system=f"{platform.system()} {platform.machine()}", file=REQUIREMENTS,
        version=metadata.version("copper-tf"),
    )  # fmt: skip
    return head + "".join(f"{n}=={v}\n" for n, v in sorted(_closure([*_PREDICTING, *runtimes]).items()))
