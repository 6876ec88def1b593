"""Open a built dataset: checked, and in an order that never changes."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfds_copper.copper_sem.build_dir import built_datasets, read_metadata
from tfds_copper.copper_sem.metadata import DatasetMetadata
from tfds_copper.errors import InputError, RunError
from tfds_copper.files import parsed_json, read_json
from tfds_copper.folder.times import label_names
from tfds_copper.registration import NAME
from tfds_copper.results import FORMAT_KEY
from tfds_copper.splits.assign import SPLITS

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Dataset", "is_dataset", "open_dataset", "open_folds"]

# What TensorFlow says before it says what is wrong.
_BEFORE_REASON = re.compile(r".* iterator: [\w:]+: (assertion failed: )?")
# The features of a record that are text, and those that are JSON.
_TEXTS, _JSON = ("sheet", "file"), ("columns", "metadata", "bar", "notes")
# The names of TFDS' files, relative to the dataset.
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A built `copper_sem` dataset.

    Args:
        path: its version directory.
        split_sizes: pictures in each split.
        metadata: everything the build recorded.
    """

    path: Path
    split_sizes: Mapping[str, int]
    metadata: DatasetMetadata

    @property
    def times(self) -> tuple[float, ...]:
        """The stress times, ascending; label k is ``times[k]``."""
        return self.metadata.times

    @property
    def unit(self) -> str:
        """The unit of the stress times; empty where none was written."""
        return self.metadata.unit

    @property
    def class_names(self) -> tuple[str, ...]:
        """The labels as a reader should see them: ``0 h``, ``2.5 h``."""
        return label_names(self.times, self.unit)

    @property
    def fingerprint(self) -> str:
        """Of files, labels and settings, 64 hex digits."""
        return self.metadata.fingerprint

    @property
    def caveats(self) -> tuple[str, ...]:
        """What every result on this dataset must say."""
        return self.metadata.caveats

    @property
    def folds(self) -> int:
        """Folds of the cross-validation that it belongs to; 0 where there is none."""
        return self.metadata.settings.folds

    @property
    def fold(self) -> int:
        """The fold that is its test split, from 1; 0 where there are no folds."""
        return self.metadata.settings.fold

    def records(self, split: str, pictures: bool = True) -> tf.data.Dataset:
        """The records of one split, in the order in which they lie on disk.

        Args:
            split: ``train``, ``validation`` or ``test``.
            pictures: decode ``picture`` and ``truth``; else both stay the bytes of PNG files, which takes no time.

        Returns:
            Elements are dicts: ``picture`` `(height, width, 1)` uint16, ``truth`` the same in uint8 or
            `(1, 1, 1)` where ``has_truth`` is false, and the scalars ``bit_depth``, ``label``, ``t``,
            ``sheet``, ``file``, ``pixel_size_nm``, and in JSON ``columns``, ``metadata``, ``bar`` and ``notes``.

        Raises:
            InputError: if there is no such split.
        """
        if split not in self.split_sizes:
            raise InputError(f"split must be one of {', '.join(self.split_sizes)}. Received: {split!r}")
        import tensorflow_datasets as tfds
        from google.protobuf.json_format import MessageToDict

        from tfds_copper.copper_sem.features import bounded_pictures, features

        _check_features(self.path, MessageToDict(features(len(self.times)).to_proto()))
        builder = tfds.builder_from_directory(self.path)
        for shard in self.path.glob(f"{NAME}-{split}.tfrecord-*"):
            _check_lengths(shard)
        raw = tfds.decode.SkipDecoding()
        bounded = bounded_pictures(self.metadata.reading.max_pixels)
        decoders = bounded if pictures else {"picture": raw, "truth": raw}
        try:
            if builder.info.file_format not in tfds.core.FileFormat.with_tf_data():
                return _from_source(builder, split, decoders)
            config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
            return builder.as_dataset(split=split, shuffle_files=False, read_config=config, decoders=decoders)
        except ImportError as error:
            form = builder.info.file_format.value
            raise InputError(f"{self.path}: its file format {form} needs a package. Received: {error}") from None

    def rows(self, split: str, pictures: bool = True) -> Iterator[dict[str, Any]]:
        """The records of one split one after the other, as NumPy's values with texts and JSON read, see `records`.

        Args:
            split: ``train``, ``validation`` or ``test``.
            pictures: decode ``picture`` and ``truth``.

        Raises:
            InputError: if there is no such split, or a record is damaged.
        """
        import tensorflow as tf

        try:
            for record in self.records(split, pictures).prefetch(2).as_numpy_iterator():
                texts = {name: record[name].decode() for name in _TEXTS}
                yield record | texts | {name: parsed_json(record[name]) for name in _JSON}
        except (tf.errors.OpError, ValueError) as error:
            said = str(getattr(error, "message", error)).partition("\n")[0]
            reason = _BEFORE_REASON.sub("", said)[:120]
            raise InputError(f"{self.path}: must hold intact records; build it again. Received: {reason}") from None


def _check_features(path: Path, expected: Any) -> None:
    """Refuses a dataset that names other features than ours: TFDS would import whatever modules it names."""
    try:
        found, info = read_json(path / "features.json"), read_json(path / "dataset_info.json")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be an intact dataset; build it again. Received: {error}") from None
    if found != expected or "features" in info:
        raise InputError(
            f"{path / 'features.json'}: must name the features of {NAME}; build it again. Received: others"
        )


def _check_lengths(shard: Path) -> None:
    """Refuses a file of records that says of one that it is longer than the file: TensorFlow would make room for it."""
    size, at = shard.stat().st_size, 0
    with shard.open("rb", buffering=0) as stream:
        while at < size:
            stream.seek(at)
            # The length, its checksum, the record and its checksum.
            at += 16 + int.from_bytes(stream.read(8), "little")
    if at != size:
        raise InputError(f"{shard}: must hold intact records; build it again. Received: a record beyond its end")


def _from_source(builder: Any, split: str, decoders: Any) -> tf.data.Dataset:
    """The records of a file format that TFDS opens by index alone (ArrayRecord), in their order."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    source = builder.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
    signature = tf.TensorSpec((), tf.string)
    records = tf.data.Dataset.from_generator(
        lambda: (source[k] for k in range(len(source))), output_signature=signature
    )
    records = records.apply(tf.data.experimental.assert_cardinality(len(source)))
    return records.map(lambda record: builder.info.features.deserialize_example(record, decoders=decoders))


def is_dataset(path: str | PathLike[str]) -> bool:
    """Whether a path is a built dataset or a data_dir that holds one, without opening it."""
    return read_metadata(Path(path)) is not None or bool(built_datasets(path))


def _located(path: Path) -> tuple[Path, dict[str, Any]]:
    here = read_metadata(path)
    if here is not None:
        return path, here
    found = built_datasets(path)
    # The same pictures, built by Beam and without it, are one dataset.
    if len({metadata["fingerprint"] for _, metadata in found}) > 1:
        names = ", ".join(str(p) for p, _ in found)
        raise InputError(f"{path}: must hold one dataset; name one of those inside. Received: {names}")
    if not found:
        what = "nothing there" if not path.exists() else "no complete dataset"
        raise InputError(f"{path}: must be a dataset built by `copper build` or `tfds build`. Received: {what}")
    return found[0]


def open_folds(path: str | PathLike[str]) -> list[Dataset]:
    """Opens the folds of a cross-validation, in their order, or the one dataset there is.

    Args:
        path: a data_dir that holds all folds of one folder and nothing else, or whatever `open_dataset` takes.

    Raises:
        InputError: if there is no dataset, or several that are no folds of each other.

    Example:
        >>> folder = copper_tf.simulate("copper", labels=3, pictures=6, sheets=3, height=64, width=80)
        >>> datasets = copper_tf.build_folds(folder, "built", folds=3)
        >>> copper_tf.open_folds("built") == datasets
        True
    """
    found = {} if read_metadata(Path(path)) is not None else dict(built_datasets(path))
    # The settings without the fold, which all folds share.
    kinds = {json.dumps([{**m.get("settings", {}), "fold": 0}, m.get("reading")]) for m in found.values()}
    folds = [m.get("settings", {}).get("folds", 0) for m in found.values()]
    if len(found) < 2 or len(kinds) != 1 or folds[0] != len(found):
        return [open_dataset(path)]
    return [open_dataset(p) for p in sorted(found, key=lambda p: int(found[p]["settings"]["fold"]))]


def _split_sizes(path: Path) -> dict[str, int]:
    """Pictures per split; checks that every shard is there."""
    info = read_json(path / "dataset_info.json")
    sizes: dict[str, int] = {}
    if not re.fullmatch("[a-z_]+", info["fileFormat"]):
        raise ValueError(f"file format {info['fileFormat']!r}")
    for split in info["splits"]:
        if split["filepathTemplate"] != _TEMPLATE or split["name"] not in SPLITS:
            raise ValueError(f"split {split['name']!r} of files {split['filepathTemplate']!r}")
        lengths = [int(n) for n in split["shardLengths"]]
        for k in range(len(lengths)):
            place = {"DATASET": NAME, "SPLIT": split["name"], "FILEFORMAT": info["fileFormat"]}
            shard = path / split["filepathTemplate"].format(**place, SHARD_X_OF_Y=f"{k:05d}-of-{len(lengths):05d}")
            if not shard.is_file():
                raise InputError(f"{path}: must hold all of its shards; build it again. Received: no {shard.name}")
        sizes[split["name"]] = sum(lengths)
    return {name: sizes[name] for name in SPLITS}


def open_dataset(path: str | PathLike[str]) -> Dataset:
    """Opens a built dataset.

    Args:
        path: its version directory, or a data_dir that holds exactly one.

    Raises:
        InputError: if there is none, several, or an incomplete one.

    Example:
        >>> folder = copper_tf.simulate("copper", labels=3, pictures=6, sheets=3, height=64, width=80)
        >>> dataset = copper_tf.build(folder, "built", split="1/1/1")
        >>> copper_tf.open_dataset("built") == dataset
        True
    """
    where, metadata = _located(Path(path))
    if metadata.get(FORMAT_KEY) != DatasetMetadata.FORMAT:
        raise InputError(
            f"{where}: must be of format {DatasetMetadata.FORMAT!r}; build it again. "
            f"Received: {metadata.get(FORMAT_KEY)!r}"
        )
    try:
        return Dataset(where, _split_sizes(where), DatasetMetadata.from_dict(metadata, str(where)))
    except (KeyError, TypeError, ValueError, RunError) as error:
        raise InputError(f"{where}: must be an intact dataset; build it again. Received: {error!r}") from error
