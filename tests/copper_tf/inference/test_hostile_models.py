"""An export from elsewhere only computes, or is refused before its runtime has opened it: it touches no file."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from PIL import Image

from copper_tf.cli.main import main
from copper_tf.inference.exported.compat import saved_model_proto
from copper_tf.inference.exported.runtimes import RUNTIMES, opened
from copper_tf.inference.exported.saved_model_check import _MATHEMATICS, _SAVING, check_saved_model
from tests.conftest import ROOT
from tfds_copper.errors import RunError
from tfds_copper.files import MOST_TEXT

_SIGNATURE = [tf.TensorSpec((None, None, None, 1), tf.float32, name="grey")]


class _Export(tf.Module):
    """A SavedModel as copper writes it, but for what it does beside computing."""

    def __init__(self, beside: Callable[[tf.Tensor], Any]) -> None:
        super().__init__()
        self.beside, self.scale = beside, tf.Variable(1.0)

    @tf.function(input_signature=_SIGNATURE)
    def grey(self, grey: tf.Tensor) -> dict[str, tf.Tensor]:
        self.beside(grey)
        return {"mask": grey * self.scale}


def _saved(folder: Path, beside: Callable[[tf.Tensor], Any]) -> Path:
    module = _Export(beside)
    tf.saved_model.save(module, str(folder), signatures={"grey": module.grey})
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "copper.json").write_text("{}")
    return folder


def _write(place: str) -> Any:
    return tf.io.write_file(place, "alias ls=rm\n")


# What a graph could do, of a place that it must not touch; each with the operation that is named.
_DEEDS: dict[str, tuple[str, Callable[[str, tf.Tensor], Any]]] = {
    "writes": ("WriteFile", lambda place, _: _write(place)),
    "reads": ("ReadFile", lambda place, _: tf.io.read_file(place)),
    "looks": ("MatchingFiles", lambda place, _: tf.io.matching_files(place)),
    "prints into a file": ("PrintV2", lambda place, x: tf.raw_ops.PrintV2(input="x", output_stream=f"file://{place}")),
    "calls Python": ("PyFunc", lambda place, x: tf.numpy_function(lambda v: v, [x], tf.float32, stateful=True)),
    "calls Python eagerly": ("EagerPyFunc", lambda place, x: tf.py_function(lambda v: v, [x], tf.float32)),
    "saves": (
        "SaveV2",
        lambda place, x: tf.raw_ops.SaveV2(prefix=place, tensor_names=["a"], shape_and_slices=[""], tensors=[x]),
    ),
    "restores": (
        "RestoreV2",
        lambda place, x: tf.raw_ops.RestoreV2(
            prefix=place, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
        ),
    ),
    "debugs": (
        "DebugIdentityV2",
        lambda place, x: tf.raw_ops.DebugIdentityV2(input=x, debug_urls=[f"file://{place}"], tfdbg_run_id="a"),
    ),
    "maps memory": (
        "ImmutableConst",
        lambda place, x: tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[1], memory_region_name=place),
    ),
    "reads records": (r"\w*Dataset\w*", lambda place, _: tf.data.TFRecordDataset(place).reduce(0, lambda k, _: k)),
    "writes events": (
        "SummaryWriter",
        lambda place, x: tf.raw_ops.CreateSummaryFileWriter(
            writer=tf.raw_ops.SummaryWriter(shared_name="a"), logdir=place, max_queue=1, flush_millis=1,
            filename_suffix="",
        ),
    ),
    "in a condition": ("WriteFile", lambda place, x: tf.cond(tf.size(x) > 0, lambda: _wrote(place), lambda: 0)),
    "in a loop": ("WriteFile", lambda place, x: tf.while_loop(lambda k: k < 1, lambda k: [k + _wrote(place) + 1], [0])),
    "in a function of a function": ("WriteFile", lambda place, x: tf.function(tf.function(_wrote))(place)),
    "for each row": (
        "WriteFile", lambda place, x: tf.map_fn(lambda row: tf.cast(_wrote(place), tf.float32) + row, x[0, :, :, 0]),
    ),
}  # fmt: skip


def _wrote(place: str) -> tf.Tensor:
    with tf.control_dependencies([_write(place)]):
        return tf.constant(0)


@pytest.mark.parametrize("deed", list(_DEEDS))
def test_a_graph_that_does_more_than_compute_is_refused_before_it_is_loaded(
    deed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, act = _DEEDS[deed]
    place = tmp_path / "place"
    folder = _saved(tmp_path / "model", lambda grey: act(str(place), grey))
    monkeypatch.setattr(tf.saved_model, "load", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(RunError, match=rf"model: a SavedModel must compute .* Received: the operation '{operation}'$"):
        opened(folder, "savedmodel")
    assert not place.exists()


@pytest.mark.parametrize("verb", ["predict", "bulk"])
def test_the_command_line_says_so_in_one_line(verb: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = _saved(tmp_path / "model", lambda _: _write(str(tmp_path / "place")))
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "a.png")
    assert main([verb, str(folder), str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]) == 2
    said = capfd.readouterr().err.strip().splitlines()
    assert "Received: the operation 'WriteFile'" in said[-1]
    assert not [line for line in said if "Traceback" in line]
    assert not (tmp_path / "place").exists()


def test_a_graph_that_only_computes_is_opened_variables_loops_and_branches_included(tmp_path: Path) -> None:
    def compute(grey: tf.Tensor) -> tf.Tensor:
        rows = tf.map_fn(lambda row: row * 2, grey[0, :, :, 0])
        return tf.cond(tf.size(rows) > 3, lambda: tf.reduce_sum(rows), lambda: 0.0)

    _, call = opened(_saved(tmp_path / "model", compute), "savedmodel")
    np.testing.assert_array_equal(call(np.ones((1, 2, 2, 1), np.float32))["mask"], np.ones((1, 2, 2, 1)))


@pytest.mark.usefixtures("eager")
def test_a_graph_saved_while_functions_are_not_traced_is_opened(tmp_path: Path) -> None:
    assert opened(_saved(tmp_path / "model", lambda _: None), "savedmodel")[0] == "{}"


def test_no_listed_operation_is_unknown_to_tensorflow_or_stateful_without_need() -> None:
    from tensorflow.python.framework import op_def_registry

    names = _MATHEMATICS.split()
    assert names == sorted(set(names), key=str.lower)
    assert all(op_def_registry.get(name) is not None for name in (*names, *_SAVING))
    touching = re.compile("File|Py|Print|Save|Restore|Debug|Summary|Dataset|Reader|Table|Remote|Send|Recv|Abort|Memory")
    assert not [name for name in names if touching.search(name)]


def _changed(folder: Path, change: Callable[[Any], None]) -> Path:
    model = saved_model_proto(str(folder))
    change(model.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    return folder


def _function(meta: Any, part: str) -> Any:
    return next(f for f in meta.graph_def.library.function if part in f.signature.name)


def test_functions_that_save_variables_are_called_by_nothing_else(tmp_path: Path) -> None:
    def called(meta: Any) -> None:
        saver = _function(meta, "traced_save").signature.name
        for node in _function(meta, "signature_wrapper").node_def:
            if "f" in node.attr:
                node.attr["f"].func.name = saver

    def as_operation(meta: Any) -> None:
        _function(meta, "signature_wrapper").node_def.add(op=_function(meta, "traced_save").signature.name, name="x")

    def offered(meta: Any) -> None:
        meta.object_graph_def.concrete_functions[_function(meta, "traced_save").signature.name].SetInParent()

    def instead(meta: Any) -> None:
        for part in ("traced_save", "signature_wrapper"):
            _function(meta, part).attr["api_implements"].s = b"x"

    def first_version(meta: Any) -> None:
        meta.ClearField("object_graph_def")

    def file_of_its_own(meta: Any) -> None:
        meta.asset_file_def.add(filename="../../secret")

    check_saved_model(_saved(tmp_path / "whole", lambda _: None), str(tmp_path / "whole"))
    for change in (called, as_operation, offered, instead, first_version, file_of_its_own):
        folder = _changed(_saved(tmp_path / change.__name__, lambda _: None), change)
        with pytest.raises(RunError, match="must compute with numbers and do nothing else. Received: "):
            opened(folder, "savedmodel")


@pytest.mark.parametrize("name", ["variables", "variables/variables.index", "assets.extra/copper.json"])
def test_links_that_leave_a_saved_model_are_refused(name: str, tmp_path: Path) -> None:
    folder = _saved(tmp_path / "model", lambda _: None)
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=f"{name}: must lie in .*model. Received: a link that leaves it"):
        opened(folder, "savedmodel")
    (folder / name).unlink()
    (tmp_path / "elsewhere").rename(folder / "elsewhere")
    (folder / name).symlink_to(folder / "elsewhere")
    assert opened(folder, "savedmodel")[0] == "{}"


def _onnx(nodes: list[Any], initializers: list[Any], **more: Any) -> Any:
    values = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in ("grey", "mask")]
    graph = onnx.helper.make_graph(nodes, "g", values[:1], values[1:], initializers)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8, **more)
    onnx.helper.set_model_props(model, {"copper": "{}"})
    return model


def _outside(location: str) -> Any:
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def test_onnx_takes_its_numbers_from_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.arange(4, dtype=np.float32).tofile("secret.bin")
    add = onnx.helper.make_node("Add", ["grey", "w"], ["mask"])
    outside = _outside("secret.bin")
    constant = onnx.helper.make_node("Constant", [], ["w"], value=outside)
    branch = onnx.helper.make_graph(
        [constant], "b", [], [onnx.helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [4])]
    )
    within = onnx.helper.make_node("If", ["yes"], ["w"], then_branch=branch, else_branch=branch)
    yes = onnx.helper.make_tensor("yes", onnx.TensorProto.BOOL, [], [True])
    function = onnx.helper.make_function("", "f", [], ["w"], [constant], [onnx.helper.make_opsetid("", 17)])
    for model in (
        _onnx([add], [outside]),
        _onnx([add], [_outside(str(tmp_path / "secret.bin"))]),
        _onnx([add], [_outside("*/_ORT_MEM_ADDR_/*")]),
        _onnx([constant, add], []),
        _onnx([within, add], [yes]),
        _onnx([add], [onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [4], [0.0] * 4)], functions=[function]),
    ):
        Path("model.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(RunError, match="must hold all of its numbers itself. Received: external data"):
            opened(Path("model.onnx"), "onnx")


def test_onnx_needs_no_operators_of_others(tmp_path: Path) -> None:
    strange = onnx.helper.make_node("Run", ["grey"], ["mask"], domain="my.company")
    file = tmp_path / "model.onnx"
    file.write_bytes(_onnx([strange], []).SerializeToString())
    with pytest.raises(RunError, match="no operators but those of ONNX. Received: some of 'my.company'"):
        opened(file, "onnx")
    plain = _onnx([onnx.helper.make_node("Relu", ["grey"], ["mask"])], [])
    file.write_bytes(plain.SerializeToString())
    assert opened(file, "onnx")[1](np.ones((1, 2, 2, 1), np.float32))["mask"].sum() == 4
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "other.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(plain.SerializeToString(), options, providers=["CPUExecutionProvider"])
    for content in ((tmp_path / "other.ort").read_bytes(), b"\x0b" * 40, plain.SerializeToString()[:-9]):
        file.write_bytes(content)
        with pytest.raises(RunError, match="must be an intact export"):
            opened(file, "onnx")


def _litert(folder: Path, change: Callable[[Any], None]) -> Path:
    import flatbuffers

    module = tf.Module()
    module.grey = tf.function(lambda grey: {"mask": grey * 2.0}, input_signature=_SIGNATURE)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.grey.get_concrete_function()], module)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(converter.convert(), 0))
    change(model)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    file = folder / "model.tflite"
    file.write_bytes(bytes(builder.Output()))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as attached:
        attached.writestr("copper.json", "{}")
    return file


def _set_custom(model: Any) -> None:
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].customCode = b"FlexWriteFile"


def _set_external(model: Any) -> None:
    group = schema.ExternalBufferGroupT()
    group.name = b"../../secret"
    model.externalBufferGroups = [group]


def test_litert_needs_no_operators_of_tensorflow_and_no_other_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no operators but LiteRT's own. Received: 'FlexWriteFile'"):
        opened(_litert(tmp_path, _set_custom), "litert")
    with pytest.raises(RunError, match="must hold all of its numbers itself. Received: external buffers"):
        opened(_litert(tmp_path, _set_external), "litert")
    file = _litert(tmp_path, lambda _: None)
    assert opened(file, "litert")[0] == "{}"
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as attached, pytest.warns(UserWarning, match="Duplicate"):
        attached.writestr("copper.json", b" " * (MOST_TEXT + 1))
    with pytest.raises(RunError, match=f"an intact export.* Received: copper.json of more than {MOST_TEXT} bytes"):
        opened(file, "litert")


_XML = """<?xml version="1.0"?><net name="x" version="11"><layers><layer id="0" name="grey" type="{type}"
version="{version}"><data shape="1,2,2,1" element_type="f32"/><output><port id="0" precision="FP32"><dim>1</dim>
<dim>2</dim><dim>2</dim><dim>1</dim></port></output></layer></layers><edges/></net>"""


def test_openvino_needs_no_extension_and_no_other_file(tmp_path: Path) -> None:
    file = tmp_path / "openvino" / "model.xml"
    file.parent.mkdir()
    for version in ("extension", "", "opset1.so", "my/lib"):
        file.write_text(_XML.format(type="Evil", version=version))
        with pytest.raises(RunError, match="no operators but OpenVINO's own. Received: 'Evil of"):
            opened(file, "openvino")
    (tmp_path / "secret").write_bytes(b"\0" * 99)
    file.with_suffix(".bin").symlink_to(tmp_path / "secret")
    file.write_text(_XML.format(type="Parameter", version="opset1"))
    with pytest.raises(RunError, match="model.bin: must lie beside model.xml. Received: a link that leaves its folder"):
        opened(file, "openvino")
    file.with_suffix(".bin").unlink()
    file.write_bytes(_onnx([onnx.helper.make_node("Relu", ["grey"], ["mask"])], []).SerializeToString())
    with pytest.raises(RunError, match="must be an intact export"):
        opened(file, "openvino")


def test_exports_are_opened_in_one_place() -> None:
    opening = re.compile(r"saved_model\.load\(|InferenceSession\(|read_model\(|[^_]Interpreter\(|TFSMLayer|torch\.load")
    sources = [p for top in ("copper_tf", "tfds_copper", "tuning") for p in (ROOT / top).rglob("*.py")]
    found = {p.relative_to(ROOT).as_posix() for p in sources if opening.search(p.read_text())}
    # The writer loads what it has just written and opened.
    assert found == {"copper_tf/inference/exported/runtimes.py", "copper_tf/exporters/export.py"}
    assert set(RUNTIMES) == {"openvino-int8", "openvino", "onnx", "litert", "savedmodel"}
