"""copper-tf: grade etched copper surfaces from SEM micrographs, and see where and by what law they decay.

Everything that ``copper_tf`` shows is imported when it is first used, so that ``import copper_tf`` takes no time.
"""

from __future__ import annotations

import os
import sys

# ``python -m copper_tf`` would import from the current folder, before all else: a random.py beside the pictures isn't
# Python's. While the module of -m is looked for, Python's arguments begin with that; those of others are left alone.
_OURS = {word.removeprefix("-m").partition(".")[0] for word in sys.orig_argv} & {"copper_tf", "tuning"}
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if _OURS and sys.argv[:1] == ["-m"] and not sys.flags.safe_path and os.path.abspath(sys.path[0]) != _ROOT:
    del sys.path[0]

from importlib import metadata  # noqa: E402

import lazy_loader  # noqa: E402

from copper_tf.utils.keras_objects import register_with_keras  # noqa: E402
from copper_tf.utils.tensorflow import choose_backend  # noqa: E402

__getattr__, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "__version__"])

try:
    __version__ = metadata.version("copper-tf")
except metadata.PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"


# Files of our models open in Keras from here on.
choose_backend()
register_with_keras()


def __dir__() -> list[str]:
    return __all__
