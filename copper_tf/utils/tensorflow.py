"""The slow import of TensorFlow, done once and without its noise, and what Keras takes from outside."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tfds_copper.errors import SettingError

__all__ = ["check_backend", "choose_backend", "import_tensorflow", "keras_defaults", "literal_path", "quiet"]

_BACKEND = "tensorflow"
# TensorFlow takes the path of a checkpoint for a pattern.
_PATTERN = frozenset("*?[]\\{}") - {os.sep}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps what C++ libraries write at import off the terminal; Python's own errors still pass."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def choose_backend() -> None:
    """Has Keras take TensorFlow, whatever ``keras.json`` says; a Keras that is imported already stays as it is."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = _BACKEND


def _refused_settings(error: Exception) -> SettingError:
    """What Keras or TensorFlow objected to in ``keras.json``."""
    file = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "keras.json"
    held = " ".join(file.read_text(errors="replace").split()) if file.is_file() else "no such file"
    return SettingError(f"{file}: must hold settings that Keras takes. Received: {str(error) or held}")


def check_backend() -> None:
    """Whether Keras can be imported, and computes by TensorFlow.

    Raises:
        SettingError: if it was imported with another backend, or doesn't take what ``keras.json`` says.
    """
    try:
        import keras
    except ValueError as error:
        raise _refused_settings(error) from None
    if keras.config.backend() != _BACKEND:
        raise SettingError(
            f"Keras' backend must be {_BACKEND}: import copper_tf before keras, or set KERAS_BACKEND={_BACKEND}. "
            f"Received: {keras.config.backend()}"
        )


def import_tensorflow() -> None:
    """Imports TensorFlow; the first call takes some seconds.

    Raises:
        SettingError: see `check_backend`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    choose_backend()
    with quiet():
        try:
            import tensorflow  # noqa: F401
        except AssertionError as error:  # TensorFlow asserts what it reads of the file, without a word
            raise _refused_settings(error) from None

        check_backend()


@contextlib.contextmanager
def literal_path(folder: Path) -> Iterator[str]:
    """A path by which TensorFlow finds a folder whose name holds marks of a pattern, such as ``[3] copper``.

    Args:
        folder: to read, a SavedModel; nothing of it is needed after it was loaded.
    """
    if not _PATTERN & set(os.path.abspath(folder)):
        yield str(folder)
        return
    with tempfile.TemporaryDirectory() as place:
        plain = Path(place) / "model"
        try:
            plain.symlink_to(folder.resolve(), target_is_directory=True)
        except OSError:  # Windows keeps links for administrators
            shutil.copytree(folder, plain)
        yield str(plain)


@contextlib.contextmanager
def keras_defaults() -> Iterator[None]:
    """While it is entered, Keras' global settings are its own defaults: runs mustn't hang on what was set outside.

    That is what ``~/.keras/keras.json`` says, or a notebook by ``keras.config``: floatx, epsilon, the layout of
    pictures, a dtype policy, and a limit of epochs or steps.
    """
    import keras

    config = keras.config
    wanted = {
        "floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "dtype_policy": "float32",
        "max_epochs": None, "max_steps_per_epoch": None,
    }  # fmt: skip
    before = {name: getattr(config, name)() for name in wanted}

    def set_all(values: dict[str, object]) -> None:
        for name, value in values.items():
            getattr(config, f"set_{name}")(value)

    set_all(wanted)
    try:
        yield
    finally:
        set_all(before)
