"""MediaPipe's float TensorFlow Lite models as ONNX. Needs the packages `tflite` (the schema) and `onnx`.

Tensors keep their NHWC layout; each convolution stands between a pair of Transposes, which onnxruntime removes.
Formats: the TensorFlow Lite schema (sparse tensors as in its `SparsityParameters`) and the ONNX operator set 17.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import helper, numpy_helper

from studio.domain.arrays import AnyArray
from studio.domain.errors import ModelError

# Schema objects are generated code without types: they are `Any` throughout this module.

_OPSET, _IR_VERSION = 17, 9
_DTYPES: dict[int, type[np.generic]] = {
    0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 6: np.bool_, 9: np.int8,
}  # fmt: skip
_INDEX_VECTORS = {1: "Int32Vector", 2: "Uint16Vector", 3: "Uint8Vector"}
_NAMES = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
_VALID = 1
_NCHW, _NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
_TRANSPOSE_BIAS = b"Convolution2DTransposeBias"


def convert_tflite(source: Path, target: Path) -> None:
    """Write a TensorFlow Lite model as ONNX.

    Raises:
        ModelError: it uses an operator that is not known here.
    """
    onnx.save(_Converter(source).convert(), target)


def densify(sparsity: Any, shape: Sequence[int], values: AnyArray) -> AnyArray:
    """Return the dense tensor of a block-sparse one, level by level of its traversal order."""
    rank = len(shape)
    order = [int(level) for level in sparsity.TraversalOrderAsNumpy()]
    blocks = [int(axis) for axis in sparsity.BlockMapAsNumpy()] if sparsity.BlockMapLength() else []
    levels = [sparsity.DimMetadata(index) for index in range(sparsity.DimMetadataLength())]
    position = np.zeros(1, np.int64)
    columns: list[AnyArray] = []
    for level in levels:
        if level.Format() == 0:  # dense
            size = int(level.DenseSize())
            repeat = np.repeat(np.arange(len(position)), size)
            column = np.tile(np.arange(size), len(position))
            position = position[repeat] * size + column
        else:
            segments, indices = _indices(level, "Segments"), _indices(level, "Indices")
            counts = segments[position + 1] - segments[position]
            repeat = np.repeat(np.arange(len(position)), counts)
            within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            position = segments[position][repeat] + within
            column = indices[position]
        columns = [kept[repeat] for kept in columns] + [column]
    places = [np.zeros(len(position), np.int64) for _ in range(rank)]
    for level_index, column in enumerate(columns):
        axis = order[level_index]
        if axis < rank:
            size = int(levels[rank + blocks.index(axis)].DenseSize()) if axis in blocks else 1
            places[axis] += column * size
        else:
            places[blocks[axis - rank]] += column
    dense = np.zeros(shape, values.dtype)
    dense[tuple(places)] = values[position]
    return dense


def _indices(level: Any, which: str) -> AnyArray:
    vector = getattr(tflite, _INDEX_VECTORS[getattr(level, f"Array{which}Type")()])()
    table = getattr(level, f"Array{which}")()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy()).astype(np.int64)


def same_pads(
    sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[int]:
    """Return ONNX pads (top, left, bottom, right) of TensorFlow's "SAME": the odd pixel goes to the end."""
    begin, end = [], []
    for size, extent, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        reach = (extent - 1) * dilation + 1
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        begin.append(total // 2)
        end.append(total - total // 2)
    return begin + end


class _Converter:
    """One model on its way: constants, nodes and initializers collected operator by operator."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._model: Any = tflite.Model.GetRootAsModel(source.read_bytes(), 0)
        self._graph: Any = self._model.Subgraphs(0)
        self._constants = self._read_constants()
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._made = 0

    def convert(self) -> onnx.ModelProto:
        for index in range(self._graph.OperatorsLength()):
            self._convert_operator(self._graph.Operators(index))
        inputs, outputs = self._infos(self._graph.InputsAsNumpy()), self._infos(self._graph.OutputsAsNumpy())
        graph = helper.make_graph(self._nodes, "g", inputs, outputs, self._initializers)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="fitting-studio"
        )
        model.ir_version = _IR_VERSION
        return model

    # --- reading

    def _read_constants(self) -> dict[int, AnyArray]:
        constants = {}
        for index in range(self._graph.TensorsLength()):
            tensor = self._graph.Tensors(index)
            buffer = self._model.Buffers(tensor.Buffer())
            if not buffer.DataLength():
                continue
            values: AnyArray = np.frombuffer(buffer.DataAsNumpy().tobytes(), _DTYPES[tensor.Type()])
            shape = [int(size) for size in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []
            sparsity = tensor.Sparsity()
            constants[index] = values.reshape(shape) if sparsity is None else densify(sparsity, shape, values)
        return constants

    def _shape(self, index: int) -> list[int]:
        return [int(size) for size in self._graph.Tensors(index).ShapeAsNumpy()]

    def _infos(self, indices: Sequence[int]) -> list[onnx.ValueInfoProto]:
        kind = onnx.TensorProto.FLOAT
        return [helper.make_tensor_value_info(f"t{index}", kind, self._shape(index)) for index in indices]

    # --- writing

    def _initializer(self, values: AnyArray, hint: str) -> str:
        name = f"c_{hint}_{len(self._initializers)}"
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _input(self, index: int) -> str:
        if index not in self._constants:
            return f"t{index}"
        values = self._constants[index]
        return self._initializer(values.astype(np.float32) if values.dtype == np.float16 else values, "w")

    def _node(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        self._made += 1
        name = output or f"x{self._made}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def _nchw(self, index: int) -> str:
        return self._node("Transpose", [self._input(index)], perm=_NCHW)

    def _nhwc(self, name: str, output: str) -> None:
        self._node("Transpose", [name], output, perm=_NHWC)

    def _activate(self, name: str, activation: int, output: str = "") -> str:
        if activation == 0:
            return self._node("Identity", [name], output) if output else name
        if activation == 1:
            return self._node("Relu", [name], output)
        if activation == 3:
            limits = [self._initializer(np.float32(limit), hint) for limit, hint in ((0, "lo"), (6, "hi"))]  # type: ignore[arg-type]  # a scalar is an array here
            return self._node("Clip", [name, *limits], output)
        raise self._unknown(f"activation {activation}")

    def _unknown(self, what: str) -> ModelError:
        return ModelError("model.unreadable", model="", file=str(self._source), reason=f"unknown operator {what}")

    # --- operators

    def _convert_operator(self, operator: Any) -> None:
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        name = _NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [int(index) for index in operator.InputsAsNumpy()]
        output = int(operator.OutputsAsNumpy()[0])
        if name in ("DEQUANTIZE", "DENSIFY") and inputs[0] in self._constants:
            values = self._constants[inputs[0]]
            self._constants[output] = values.astype(np.float32) if name == "DEQUANTIZE" else values
            return
        if name == "CUSTOM" and code.CustomCode() == _TRANSPOSE_BIAS:
            self._custom_transpose_conv(inputs, output)
            return
        handler = self._handlers().get(name)
        if handler is None:
            raise self._unknown(name)
        handler(name, operator, inputs, output)

    def _handlers(self) -> dict[str, Callable[[str, Any, list[int], int], None]]:
        simple = {"LOGISTIC": "Sigmoid", "RELU": "Relu", "PRELU": "PRelu"}
        return {
            "CONV_2D": self._conv,
            "DEPTHWISE_CONV_2D": self._conv,
            "TRANSPOSE_CONV": self._transpose_conv,
            "MAX_POOL_2D": self._pool,
            "AVERAGE_POOL_2D": self._pool,
            **dict.fromkeys(("ADD", "MUL", "SUB", "DIV"), self._arithmetic),
            **dict.fromkeys(("SUM", "MEAN"), self._reduce),
            **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), self._resize),
            **{kind: self._simple(target) for kind, target in simple.items()},
            "SOFTMAX": lambda _, __, inputs, output: self._plain("Softmax", inputs[:1], output, axis=-1),
            "RESHAPE": self._reshape,
            "TRANSPOSE": self._transpose,
            "CONCATENATION": self._concatenate,
            "PAD": self._pad,
            "HARD_SWISH": self._hard_swish,
            "DEPTH_TO_SPACE": self._depth_to_space,
        }

    def _simple(self, kind: str) -> Callable[[str, Any, list[int], int], None]:
        return lambda _, __, inputs, output: self._plain(kind, inputs, output)

    def _plain(self, kind: str, inputs: Sequence[int], output: int, **attributes: Any) -> None:
        self._node(kind, [self._input(index) for index in inputs], f"t{output}", **attributes)

    def _conv(self, name: str, operator: Any, inputs: list[int], output: int) -> None:
        options = _options(operator, "Conv2DOptions" if name == "CONV_2D" else "DepthwiseConv2DOptions")
        weights = self._constants[inputs[1]].astype(np.float32)
        _, height, width, channels = self._shape(inputs[0])
        kernel = weights.transpose(0, 3, 1, 2) if name == "CONV_2D" else weights.transpose(3, 0, 1, 2)
        strides = [options.StrideH(), options.StrideW()]
        dilations = [options.DilationHFactor(), options.DilationWFactor()]
        made = self._node(
            "Conv",
            [self._nchw(inputs[0]), self._initializer(kernel, "W"), *self._bias(inputs, 2)],
            strides=strides,
            dilations=dilations,
            group=channels // kernel.shape[1],
            kernel_shape=list(kernel.shape[2:]),
            pads=_pads(options, (height, width), kernel.shape[2:], strides, dilations),
        )
        self._nhwc(self._activate(made, options.FusedActivationFunction()), f"t{output}")

    def _bias(self, inputs: list[int], place: int) -> list[str]:
        if len(inputs) <= place or inputs[place] < 0:
            return []
        return [self._initializer(self._constants[inputs[place]].astype(np.float32), "B")]

    def _transpose_conv(self, _: str, operator: Any, inputs: list[int], output: int) -> None:
        options = _options(operator, "TransposeConvOptions")
        kernel = self._constants[inputs[1]].astype(np.float32).transpose(3, 0, 1, 2)
        strides = [options.StrideH(), options.StrideW()]
        sizes, wanted = self._shape(inputs[2])[1:3], self._shape(output)[1:3]
        pads = _pads(options, wanted, kernel.shape[2:], strides, (1, 1))
        made = [
            (sizes[axis] - 1) * strides[axis] + kernel.shape[2 + axis] - pads[axis] - pads[axis + 2] for axis in (0, 1)
        ]
        name = self._node(
            "ConvTranspose",
            [self._nchw(inputs[2]), self._initializer(kernel, "W"), *self._bias(inputs, 3)],
            strides=strides,
            pads=pads,
            kernel_shape=list(kernel.shape[2:]),
            output_padding=[max(0, wanted[axis] - made[axis]) for axis in (0, 1)],
        )
        self._nhwc(name, f"t{output}")

    def _custom_transpose_conv(self, inputs: list[int], output: int) -> None:
        kernel = self._constants[inputs[1]].astype(np.float32).transpose(3, 0, 1, 2)
        name = self._node(
            "ConvTranspose",
            [self._nchw(inputs[0]), self._initializer(kernel, "W"), *self._bias(inputs, 2)],
            strides=[2, 2],
            kernel_shape=list(kernel.shape[2:]),
        )
        self._nhwc(name, f"t{output}")

    def _pool(self, name: str, operator: Any, inputs: list[int], output: int) -> None:
        options = _options(operator, "Pool2DOptions")
        kernel, strides = [options.FilterHeight(), options.FilterWidth()], [options.StrideH(), options.StrideW()]
        made = self._node(
            "MaxPool" if name == "MAX_POOL_2D" else "AveragePool",
            [self._nchw(inputs[0])],
            kernel_shape=kernel,
            strides=strides,
            pads=_pads(options, self._shape(inputs[0])[1:3], kernel, strides, (1, 1)),
        )
        self._nhwc(made, f"t{output}")

    def _arithmetic(self, name: str, operator: Any, inputs: list[int], output: int) -> None:
        kind = name.capitalize()
        made = self._node(kind, [self._input(index) for index in inputs])
        self._activate(made, _options(operator, f"{kind}Options").FusedActivationFunction(), f"t{output}")

    def _reduce(self, name: str, operator: Any, inputs: list[int], output: int) -> None:
        keep = int(_options(operator, "ReducerOptions").KeepDims())
        if name == "SUM":
            axes = self._initializer(self._constants[inputs[1]].astype(np.int64).reshape(-1), "axes")
            self._node("ReduceSum", [self._input(inputs[0]), axes], f"t{output}", keepdims=keep)
        else:  # of operator set 17 ReduceMean still takes its axes as an attribute
            listed = [int(axis) for axis in self._constants[inputs[1]].reshape(-1)]
            self._node("ReduceMean", [self._input(inputs[0])], f"t{output}", keepdims=keep, axes=listed)

    def _resize(self, name: str, operator: Any, inputs: list[int], output: int) -> None:
        is_linear = name == "RESIZE_BILINEAR"
        options = _options(operator, "ResizeBilinearOptions" if is_linear else "ResizeNearestNeighborOptions")
        transform = "asymmetric"
        if options.AlignCorners() or options.HalfPixelCenters():
            transform = "align_corners" if options.AlignCorners() else "half_pixel"
        attributes = {"mode": "linear" if is_linear else "nearest", "coordinate_transformation_mode": transform}
        if not is_linear:
            attributes["nearest_mode"] = "floor" if transform == "asymmetric" else "round_prefer_ceil"
        _, height, width, channels = self._shape(output)
        sizes = self._initializer(np.array([1, channels, height, width], np.int64), "sizes")
        self._nhwc(self._node("Resize", [self._nchw(inputs[0]), "", "", sizes], **attributes), f"t{output}")

    def _reshape(self, _: str, __: Any, inputs: list[int], output: int) -> None:
        shape = self._initializer(np.array(self._shape(output), np.int64), "shape")
        self._node("Reshape", [self._input(inputs[0]), shape], f"t{output}")

    def _transpose(self, _: str, __: Any, inputs: list[int], output: int) -> None:
        self._plain("Transpose", inputs[:1], output, perm=[int(axis) for axis in self._constants[inputs[1]]])

    def _concatenate(self, _: str, operator: Any, inputs: list[int], output: int) -> None:
        self._plain("Concat", inputs, output, axis=_options(operator, "ConcatenationOptions").Axis())

    def _pad(self, _: str, __: Any, inputs: list[int], output: int) -> None:
        pairs = self._constants[inputs[1]].astype(np.int64).reshape(-1, 2)
        pads = self._initializer(np.concatenate([pairs[:, 0], pairs[:, 1]]), "pads")
        self._node("Pad", [self._input(inputs[0]), pads], f"t{output}")

    def _hard_swish(self, _: str, __: Any, inputs: list[int], output: int) -> None:
        self._plain("HardSwish", inputs, output)

    def _depth_to_space(self, _: str, operator: Any, inputs: list[int], output: int) -> None:
        size = _options(operator, "DepthToSpaceOptions").BlockSize()
        self._nhwc(self._node("DepthToSpace", [self._nchw(inputs[0])], blocksize=size, mode="DCR"), f"t{output}")


def _options(operator: Any, kind: str) -> Any:
    options, table = getattr(tflite, kind)(), operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options


def _pads(
    options: Any, sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[int]:
    return [0, 0, 0, 0] if options.Padding() == _VALID else same_pads(sizes, kernel, strides, dilations)
