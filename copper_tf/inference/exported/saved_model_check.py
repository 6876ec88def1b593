"""A SavedModel is a program, so what it would do is read before it is loaded, and all but mathematics is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from copper_tf.inference.exported.compat import saved_model_proto
from tfds_copper.errors import RunError
from tfds_copper.files import check_links

__all__ = ["check_saved_model"]

# Every operation that a function may hold: those of our exports, and what else plug-ins may compute with. None of them
# opens a file or an address, prints, calls Python, or waits for another process.
_MATHEMATICS = """
Abs Acos Acosh Add AddN AddV2 All Any ApproximateEqual ArgMax ArgMin Asin Asinh Assert AssignAddVariableOp
AssignSubVariableOp AssignVariableOp Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3
BatchToSpace BatchToSpaceND Betainc BiasAdd Bincount Bitcast BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastTo
Bucketize Case Cast Ceil CheckNumerics CheckNumericsV2 Cholesky ClipByValue CombinedNonMaxSuppression Complex ComplexAbs
Concat ConcatOffset ConcatV2 Conj ConjugateTranspose Const ControlTrigger Conv Conv2D Conv2DBackpropInput Conv3D
Conv3DBackpropInputV2 Cos Cosh CropAndResize Cross Cumprod Cumsum CumulativeLogsumexp DataFormatDimMap
DataFormatVecPermute DecodeBmp DecodeImage DecodeJpeg DecodePng DecodeRaw DenseBincount DepthToSpace
DepthwiseConv2dNative Dequantize Diag DiagPart Digamma Dilation2D DisableCopyOnRead Div DivNoNan EditDistance Einsum Elu
Empty EmptyTensorList EncodeJpeg EncodePng EnsureShape Equal Erf Erfc Erfinv EuclideanNorm Exp ExpandDims Expm1
ExtractImagePatches FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel FFT FFT2D Fill
Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual
GuaranteeConst HistogramFixedWidth HSVToRGB Identity IdentityN If IFFT IFFT2D Igamma Igammac Imag
ImageProjectiveTransformV2 ImageProjectiveTransformV3 InTopK InTopKV2 Inv Invert InvertPermutation IRFFT IRFFT2D
IsFinite IsInf IsNan L2Loss LeakyRelu LeftShift Less LessEqual Lgamma LinSpace ListDiff Log Log1p LogicalAnd LogicalNot
LogicalOr LogMatrixDeterminant LogSoftmax LowerBound LRN Lu MatMul MatrixBandPart MatrixDeterminant MatrixDiag
MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixInverse MatrixSetDiag MatrixSetDiagV2
MatrixSetDiagV3 MatrixSolve MatrixTriangularSolve Max Maximum MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Mean Min
Minimum MirrorPad Mod Mul MulNoNan Multinomial Ndtri Neg NextAfter NonMaxSuppressionV3 NonMaxSuppressionV4
NonMaxSuppressionV5 NoOp NotEqual NthElement OneHot OnesLike Pack Pad PadV2 ParallelConcat PartitionedCall Placeholder
PlaceholderWithDefault Polygamma PopulationCount Pow PreventGradient Prod Qr QuantizeAndDequantize
QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeV2 RaggedRange Range Rank ReadVariableOp
Real RealDiv Reciprocal Relu Relu6 Reshape ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor Reverse
ReverseSequence ReverseV2 RFFT RFFT2D RGBToHSV RightShift Rint Roll Round Rsqrt ScaleAndTranslate ScatterNd SegmentMax
SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentProdV2 SegmentSum SegmentSumV2 Select SelectV2
SelfAdjointEigV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Snapshot Softmax Softplus Softsign SpaceToBatch
SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze StatefulPartitionedCall StatelessCase
StatelessIf StatelessWhile StopGradient StridedSlice Sub Sum Svd Tan Tanh TensorListConcatV2 TensorListFromTensor
TensorListGather TensorListGetItem TensorListLength TensorListPushBack TensorListReserve TensorListResize
TensorListSetItem TensorListStack TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub
TensorScatterUpdate TensorStridedSliceUpdate Tile TopK TopKV2 Transpose TruncateDiv TruncateMod Unique UniqueV2
UniqueWithCounts UniqueWithCountsV2 Unpack UnravelIndex UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
UnsortedSegmentSum UpperBound VarHandleOp VariableShape VarIsInitializedOp Where While Xdivy Xlog1py Xlogy ZerosLike
Zeta
"""
# What every SavedModel has beside that: functions by which TensorFlow 1 saves and restores variables, and which
# `tf.saved_model.load` never calls. They may stand where nothing else calls them.
_SAVING = frozenset(
    ["MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename", "StaticRegexFullMatch", "StringJoin"]
)

# How much of a name is shown.
_SHOWN = 60


def _refused(folder: Path, what: str) -> RunError:
    return RunError(f"{folder}: a SavedModel must compute with numbers and do nothing else. Received: {what}")


def _called(nodes: Iterable[Any]) -> Iterator[str]:
    """The names of all functions that nodes may call: those in their attributes, and one as an operation."""
    for node in nodes:
        yield node.op
        for value in node.attr.values():
            yield value.func.name
            yield from (function.name for function in value.list.func)


def _saving_functions(graph: Any, meta: Any) -> set[str]:
    """The functions that save and restore variables, as far as nothing else calls them."""
    ends = {meta.saver_def.save_tensor_name.partition(":")[0], meta.saver_def.restore_op_name}
    objects = meta.object_graph_def
    others = set(_called(node for node in graph.node if node.name not in ends))
    others.update(*(_called(function.node_def) for function in graph.library.function))
    others |= set(objects.concrete_functions)
    for node in objects.nodes:
        others |= {*node.function.concrete_functions, node.bare_concrete_function.concrete_function_name}
    return set(_called(node for node in graph.node if node.name in ends)) - others


def check_saved_model(folder: Path, place: str) -> None:
    """Reads a SavedModel without running it, and refuses what could do anything but compute.

    Args:
        folder: of the SavedModel, for the error.
        place: a path by which TensorFlow finds it.

    Raises:
        RunError: if a function holds an operation that isn't mathematics, if a file of it is a link that leaves the
            folder, or if it brings files of its own for its operations.
    """
    check_links(folder)
    model = saved_model_proto(place)
    if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField("object_graph_def"):
        raise _refused(folder, "a graph of TensorFlow 1")
    (meta,) = model.meta_graphs
    graph = meta.graph_def
    if meta.asset_file_def:
        raise _refused(folder, f"the file {meta.asset_file_def[0].filename[:_SHOWN]!r}")
    saving = _saving_functions(graph, meta)
    mathematics = frozenset(_MATHEMATICS.split())
    # The graph outside of functions is TensorFlow 1's: `tf.saved_model.load` takes the numbers of constants from it.
    _check_nodes(folder, graph.node, mathematics | _SAVING)
    for function in graph.library.function:
        name = function.signature.name
        _check_nodes(folder, function.node_def, mathematics | _SAVING if name in saving else mathematics)
        # By it TensorFlow puts one function in the place of another.
        if "api_implements" in function.attr:
            raise _refused(folder, f"the function {name[:_SHOWN]!r}, which stands for another one")


def _check_nodes(folder: Path, nodes: Iterable[Any], allowed: frozenset[str]) -> None:
    for node in nodes:
        if node.op not in allowed:
            raise _refused(folder, f"the operation {node.op[:_SHOWN]!r}")
