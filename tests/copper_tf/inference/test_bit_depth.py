"""A model reads new pictures with the depth that its own data were read with, and says where depths are doubtful."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import copper_tf
from copper_tf.inference.exported.metadata import ModelMetadata
from copper_tf.inference.ood_summary import LowDepths
from copper_tf.runs.run import open_run
from tfds_copper.errors import InputError, SettingError
from tfds_copper.micrograph.depth import low_note


@pytest.fixture(scope="module")
def twelve(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier whose dataset was built with ``--bit-depth 12``."""
    run = Path(shutil.copytree(runs["classifier"].path, tmp_path_factory.mktemp("twelve") / "run"))
    data = json.loads((run / "data.json").read_text())
    assert data["reading"]["bit_depth"] == 0
    (run / "data.json").write_text(json.dumps({**data, "reading": {**data["reading"], "bit_depth": 12}}))
    return run


@pytest.fixture
def pictures(sem_folder: Path, tmp_path: Path) -> dict[str, Path]:
    """One surface in 8 bits, in declared and in undeclared 12 bits, and in 16."""
    pixels = np.asarray(Image.open(next((sem_folder / "t00").glob("*.png"))))
    values = np.rint(pixels * (4095 / 255)).astype(np.uint16)
    paths = {kind: tmp_path / f"{kind}.tif" for kind in ("eight", "declared", "undeclared", "sixteen")}
    tifffile.imwrite(paths["eight"], pixels)
    tifffile.imwrite(paths["declared"], values, extratags=[(281, 3, 1, 4095, True)])
    tifffile.imwrite(paths["undeclared"], values)
    tifffile.imwrite(paths["sixteen"], np.rint(pixels * (65535 / 255) + 1).clip(0, 65535).astype(np.uint16))
    return paths


def test_the_same_surface_has_the_same_grade(runs: dict[str, Any], twelve: Path, pictures: dict[str, Path]) -> None:
    plain, of_twelve = copper_tf.load(runs["classifier"].path), copper_tf.load(twelve)
    expected = plain.predict(pictures["eight"]).probabilities
    for model, kind, bits in (
        (plain, "declared", None),
        (plain, "sixteen", None),
        (plain, "undeclared", 12),
        (of_twelve, "undeclared", None),
        (of_twelve, "declared", None),
        (of_twelve, "eight", None),
        (of_twelve, "sixteen", 16),
    ):
        prediction = model.predict(pictures[kind], bit_depth=bits)
        np.testing.assert_allclose(prediction.probabilities, expected, atol=0.02, err_msg=kind)
        assert not any("--bit-depth" in text for text in prediction.warnings), kind
    doubtful = plain.predict(pictures["undeclared"])
    assert np.abs(np.subtract(doubtful.probabilities, expected)).max() > 0.02
    assert any("--bit-depth 12 reads them so" in text for text in doubtful.warnings)
    with pytest.raises(InputError, match="bit_depth must hold all grey values; 12 bits end at 4095"):
        of_twelve.predict(pictures["sixteen"])


def test_arrays_have_the_depth_of_the_model(runs: dict[str, Any], twelve: Path, pictures: dict[str, Path]) -> None:
    plain, of_twelve = copper_tf.load(runs["classifier"].path), copper_tf.load(twelve)
    values = tifffile.imread(pictures["undeclared"])
    np.testing.assert_allclose(
        plain.predict(values, bit_depth=12).probabilities, of_twelve.predict(values).probabilities
    )
    with pytest.raises(SettingError, match=r"bit_depth must hold all values; 12 bits end at 4095\. Received: \d+"):
        of_twelve.predict(tifffile.imread(pictures["sixteen"]))


def test_tables_and_exports(runs: dict[str, Any], twelve: Path, pictures: dict[str, Path], tmp_path: Path) -> None:
    paths = [pictures["eight"], pictures["undeclared"]]
    doubtful = copper_tf.predict(runs["classifier"].path, paths, tmp_path / "a")
    (text,) = (text for text in doubtful.warnings if "--bit-depth" in text)
    assert text.startswith("1 of 2 pictures have 16 bits and no grey value above 4095, such as undeclared.tif")
    assert not any("--bit-depth" in text for text in copper_tf.predict(twelve, paths, tmp_path / "b").warnings)
    metadata = ModelMetadata.of(open_run(twelve))
    assert metadata.reading.bit_depth == 12 == ModelMetadata.from_json(metadata.to_json(), "a").reading.bit_depth


def test_14_bits_are_doubted_only_where_all_pictures_have_them() -> None:
    for bits, others, said in ((14, 0, True), (14, 1, False), (12, 1, True), (10, 9, True)):
        depths = LowDepths()
        depths.add("a.tif", low_note(bits))
        assert len(list(depths.warnings(1 + others))) == said
