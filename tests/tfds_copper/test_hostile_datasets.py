"""A dataset from elsewhere is read or refused in one line: nothing is imported or allocated by its word."""

from __future__ import annotations

import json
import shutil
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from copper_tf.cli.main import main
from tfds_copper.dataset import Dataset, open_dataset
from tfds_copper.errors import InputError


@pytest.fixture
def copy(dataset: Any, tmp_path: Path) -> Path:
    """A copy of the dataset that may be spoilt."""
    return Path(shutil.copytree(dataset.path, tmp_path / "copy"))


def _edited(file: Path, change: Any) -> None:
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))


def _read(path: Path) -> list[Any]:
    return list(open_dataset(path).rows("test"))


def _named(values: Any) -> None:
    values["featuresDict"]["features"]["t"]["pythonClassName"] = "planted.Evil"


def _named_otherwise(values: Any) -> None:
    values["featuresDict"]["features"]["t"] = {"python_class_name": "planted.Evil", "tensor": {}}


def _named_in_the_old_form(values: Any) -> None:
    values.clear()
    values |= {"type": "planted.Evil", "content": {}}


def _beside(values: Any) -> None:
    values["featuresDict"]["features"]["more"] = {"pythonClassName": "planted.Evil", "text": {}}


@pytest.mark.parametrize("change", [_named, _named_otherwise, _named_in_the_old_form, _beside])
def test_no_module_is_imported_because_a_dataset_names_it(
    change: Any, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    _edited(copy / "features.json", change)
    with pytest.raises(InputError, match=r"features.json: must name the features of copper_sem.* Received: others$"):
        _read(copy)
    assert "planted" not in sys.modules and not (tmp_path / "ran").exists()


def test_features_in_the_other_file_are_refused_as_well(copy: Path) -> None:
    features = json.loads((copy / "features.json").read_text())
    _named(features)
    _edited(copy / "dataset_info.json", lambda info: info.update(features=features))
    with pytest.raises(InputError, match="must name the features of copper_sem"):
        _read(copy)


@pytest.mark.parametrize(
    ("key", "value"),
    [("filepathTemplate", "../../{DATASET}"), ("filepathTemplate", "{DATASET:>9999999999}"), ("name", "../x")],
)
def test_files_are_named_as_tfds_names_them(key: str, value: str, copy: Path) -> None:
    _edited(copy / "dataset_info.json", lambda info: info["splits"][0].update({key: value}))
    with pytest.raises(InputError, match="must be an intact dataset"):
        _read(copy)
    _edited(copy / "dataset_info.json", lambda info: info.update(fileFormat="../tfrecord"))
    with pytest.raises(InputError, match="must be an intact dataset"):
        _read(copy)


def _checksum(data: bytes) -> bytes:
    # As TFRecords have it: CRC-32C, turned and moved.
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    value ^= 0xFFFFFFFF
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@pytest.mark.parametrize("length", [2**40, 2**63, 2**64 - 1, 10**6])
def test_a_record_that_says_it_is_longer_than_its_file_is_named(length: int, copy: Path) -> None:
    (shard,) = copy.glob("*test.tfrecord*")
    whole, head = shard.read_bytes(), struct.pack("<Q", length)
    for content in (
        head + _checksum(head) + b"x" * 99,
        whole + head + _checksum(head) + b"x",
        whole[:-1],
        whole + b"x",
    ):
        shard.write_bytes(content)
        with pytest.raises(InputError, match="must hold intact records.* Received: a record beyond its end"):
            _read(copy)


def _with_picture(copy: Path, name: str, png: bytes) -> None:
    (shard,) = copy.glob("*test.tfrecord*")
    records = [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(shard))]
    records[0].features.feature[name].bytes_list.value[0] = png
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for record in records:
            writer.write(record.SerializeToString())


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10**5))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["picture", "truth"])
@pytest.mark.parametrize("size", [(40000, 40000), (2**31 - 1, 2**31 - 1), (30000, 30000)])
def test_a_picture_in_a_record_is_as_large_as_its_bytes_can_hold(name: str, size: tuple[int, int], copy: Path) -> None:
    _with_picture(copy, name, _png(*size))
    with pytest.raises(InputError, match="must hold intact records; build it again. Received: ") as caught:
        _read(copy)
    assert "Received: [a picture must have 1 to" in str(caught.value) and "\n" not in str(caught.value)
    _with_picture(copy, name, _png(64, 80))
    assert _read(copy)[0][name].shape == (80, 64, 1)


@pytest.mark.parametrize(
    ("name", "text"), [("columns", b"[" * 10**5), ("metadata", b"{"), ("notes", b"\xff"), ("file", b"\xff.png")]
)
def test_texts_of_a_record_that_are_none_are_named(name: str, text: bytes, copy: Path) -> None:
    _with_picture(copy, name, text)
    with pytest.raises(InputError, match="must hold intact records; build it again. Received: "):
        _read(copy)


def test_a_record_whose_picture_is_none_is_one_line_of_every_command(
    copy: Path, runs: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _with_picture(copy, "picture", b"no picture")
    run = shutil.copytree(runs["segmenter"].path, tmp_path / "run")
    assert main(["evaluate", str(run), "--data", str(copy)]) == 2
    (line,) = (line for line in capfd.readouterr().err.splitlines() if line.startswith("copper:"))
    assert "must hold intact records; build it again. Received: " in line


def test_what_was_built_is_read(dataset: Dataset, copy: Path) -> None:
    for split, size in dataset.split_sizes.items():
        assert len(list(open_dataset(copy).rows(split))) == len(list(dataset.rows(split, pictures=False))) == size
