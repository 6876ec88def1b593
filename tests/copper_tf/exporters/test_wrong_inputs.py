"""A SavedModel refuses pictures of another shape or dtype; TensorFlow's convolution would end the whole process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from copper_tf.exporters.deployed_model import DeployedModel
from copper_tf.exporters.writers import write_saved_model
from copper_tf.inference.exported.runtimes import _checked, opened
from copper_tf.utils.tensorflow import literal_path
from tfds_copper.errors import InputError

_SHAPES = [(), (64, 64), (1, 64, 64), (64, 64, 1), (1, 64, 64, 3), (1, 64, 64, 0), (1, 1, 64, 64, 1), (1, 2, 64, 64)]


@pytest.fixture(scope="module")
def saved(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A SavedModel of each kind, in a folder that TensorFlow would take for a pattern."""
    folder = tmp_path_factory.mktemp("saved") / r"[3] co*pp?er {a,b} \x"
    for kind, run in runs.items():
        write_saved_model(DeployedModel(run, run.load_model()), "{}", folder / kind, ())
    return {kind: folder / kind for kind in runs}


@pytest.fixture(scope="module")
def signatures(saved: dict[str, Path]) -> dict[str, Any]:
    """Those of each kind, loaded as a stranger loads them."""
    found = {}
    for kind, path in saved.items():
        with literal_path(path) as place:
            found[kind] = tf.saved_model.load(place)
    return found


@pytest.mark.parametrize("signature", ["serving_default", "uint8", "uint16", "grey"])
@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_pictures_of_another_shape_or_dtype_are_refused(kind: str, signature: str, signatures: dict[str, Any]) -> None:
    call = signatures[kind].signatures[signature]
    name = "grey" if signature == "grey" else "picture"
    dtype = {"grey": np.float32, "uint16": np.uint16}.get(signature, np.uint8)
    for shape in _SHAPES:
        with pytest.raises(tf.errors.InvalidArgumentError, match="must_be_batch_height_width_1"):
            call(**{name: tf.zeros(shape, dtype)})
    for wrong in {np.uint8, np.uint16, np.float32, np.float64, np.int32} - {dtype}:
        with pytest.raises(tf.errors.InvalidArgumentError, match="was expected to be a .* tensor"):
            call(**{name: tf.zeros((1, 64, 64, 1), wrong)})
    for empty in ((0, 64, 64, 1), (1, 0, 64, 1), (1, 0, 0, 1)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            call(**{name: tf.zeros(empty, dtype)})
    assert call(**{name: tf.zeros((2, 64, 48, 1), dtype)})


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_bytes_that_are_no_png_are_refused(content: bytes, signatures: dict[str, Any]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="DecodePng"):
        signatures["segmenter"].signatures["png"](png=tf.constant(content))


def test_a_saved_model_is_opened_whatever_its_folder_is_called(saved: dict[str, Path]) -> None:
    assert "mask" in opened(saved["segmenter"], "savedmodel")[1](np.zeros((1, 64, 48, 1), np.float32))
    with pytest.raises(Exception, match="Failed to find any matching files"):
        tf.saved_model.load(str(saved["segmenter"]))


def test_an_ordinary_path_is_handed_on_as_it_is(tmp_path: Path) -> None:
    with literal_path(tmp_path) as place:
        assert place == str(tmp_path)


def test_where_links_are_not_allowed_the_folder_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "[1]").mkdir()
    (tmp_path / "[1]" / "file").write_text("content")

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no privilege")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with literal_path(tmp_path / "[1]") as place:
        assert (Path(place) / "file").read_text() == "content" and "[" not in place
    assert not Path(place).exists() and (tmp_path / "[1]" / "file").exists()


@pytest.mark.parametrize("shape", [*_SHAPES, (0, 64, 64, 1), (1, 0, 64, 1)])
def test_no_runtime_is_given_what_it_might_guess_at(shape: tuple[int, ...]) -> None:
    """LiteRT takes five axes, and OpenVINO converts whatever it is given."""
    call = _checked(lambda grey: {"mask": grey})
    with pytest.raises(InputError, match=r"grey must be float32 \(batch, height, width, 1\).* Received: float32"):
        call(np.zeros(shape, np.float32))
    with pytest.raises(InputError, match=r"Received: uint8 \(1, 8, 8, 1\)"):
        call(np.zeros((1, 8, 8, 1), np.uint8))
    assert call(np.zeros((2, 8, 9, 1), np.float32))["mask"].shape == (2, 8, 9, 1)
