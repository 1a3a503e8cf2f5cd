"""Trained nets as ONNX graphs: what scales the inputs stands in front, log odds and scaled returns come out.

Written node by node from the weights, so that the same weights are the same bytes and no exporter stands
between what was trained and what is asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from trading.models.labels import HORIZONS_H
from trading.models.presets import Nets
from trading.models.sequences import CLIP, COLUMNS, Scaler

OPSET, IR_VERSION = 18, 10
EPSILON = 1e-5
"""Of torch's layer normalisation."""

Weights = Mapping[str, Tensor]


class Drawing:
    """A graph in the making: every node and constant is named by its number."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, kind: type[np.generic] = np.float32) -> str:
        name = f"c{len(self._constants)}"
        array = np.ascontiguousarray(np.asarray(value, dtype=kind))
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node; returns the name of its last output."""
        names = [f"n{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[-1]

    def linear(self, x: str, weights: Weights, name: str) -> str:
        """torch's Linear: x W' + b over the last axis."""
        product = self.node("MatMul", x, self.constant(weights[f"{name}.weight"].numpy().T))
        return self.node("Add", product, self.constant(weights[f"{name}.bias"].numpy()))

    def norm(self, x: str, weights: Weights, name: str) -> str:
        scale, shift = (self.constant(weights[f"{name}.{part}"].numpy()) for part in ("weight", "bias"))
        return self.node("LayerNormalization", x, scale, shift, axis=-1, epsilon=EPSILON)

    def reshape(self, x: str, *shape: int) -> str:
        return self.node("Reshape", x, self.constant(shape, np.int64))

    def finish(self, members: Sequence[str], steps: int) -> bytes:
        """Split the mean of the members' six outputs and write the model; input (rows, steps, columns)."""
        h = len(HORIZONS_H)
        mean = self.node("Mean", *members)
        split = helper.make_node("Split", [mean], ["logits", "z"], axis=-1, num_outputs=2)
        shape: list[str | int | None] = ["rows", steps, len(COLUMNS)]
        graph = helper.make_graph(
            [*self._nodes, split],
            "net",
            [helper.make_tensor_value_info("windows", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", h]) for name in ("logits", "z")],
            self._constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


def lstm_graph(members: Sequence[Weights], scaler: Scaler, numbers: Nets) -> bytes:
    """The mean of nets `trading.models.lstm.Lstm`, asked about the last hour of a window."""
    draw = Drawing()
    by_hour = draw.node("Transpose", _scaled(draw, scaler), perm=[1, 0, 2])
    return draw.finish([_lstm(draw, by_hour, of, numbers) for of in members], numbers.steps)


def _lstm(draw: Drawing, by_hour: str, weights: Weights, numbers: Nets) -> str:
    of_input, of_state = (_gates(weights[f"lstm.weight_{part}_l0"]) for part in ("ih", "hh"))
    bias = np.concatenate([_gates(weights[f"lstm.bias_{part}_l0"]) for part in ("ih", "hh")])
    parts = [draw.constant(part[None]) for part in (of_input, of_state, bias)]
    # Of the outputs (all states, last state) the second is wanted.
    state = draw.node("LSTM", by_hour, *parts, outputs=2, hidden_size=numbers.hidden)
    last = draw.reshape(state, -1, numbers.hidden)
    return draw.linear(draw.norm(last, weights, "norm"), weights, "head")


def transformer_graph(members: Sequence[Weights], scaler: Scaler, numbers: Nets) -> bytes:
    """The mean of nets `trading.models.transformer.Transformer`."""
    draw = Drawing()
    patches = numbers.steps // numbers.patch_h
    tokens = draw.reshape(_scaled(draw, scaler), -1, patches, numbers.patch_h * (len(COLUMNS) + 1))
    return draw.finish([_transformer(draw, tokens, of, patches, numbers) for of in members], numbers.steps)


def _transformer(draw: Drawing, tokens: str, weights: Weights, patches: int, numbers: Nets) -> str:
    x = draw.linear(tokens, weights, "embed")
    x = draw.node("Add", x, draw.constant(weights["position"].numpy()))
    for layer in range(numbers.layers):
        x = _attend(draw, x, weights, f"layers.{layer}", patches, numbers)
        wide = draw.linear(draw.norm(x, weights, f"layers.{layer}.norm_2"), weights, f"layers.{layer}.wide")
        narrow = draw.linear(draw.node("Relu", wide), weights, f"layers.{layer}.narrow")
        x = draw.node("Add", x, narrow)
    axes = draw.constant([1], np.int64)
    mean = draw.node("ReduceMean", draw.norm(x, weights, "norm"), axes, keepdims=0)
    return draw.linear(mean, weights, "head")


def _attend(draw: Drawing, x: str, weights: Weights, layer: str, patches: int, numbers: Nets) -> str:
    size = numbers.width // numbers.heads
    normal = draw.norm(x, weights, f"{layer}.norm_1")
    parts = []
    for name, axes in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        heads = draw.reshape(
            draw.linear(normal, weights, f"{layer}.{name}"), -1, patches, numbers.heads, size
        )
        parts.append(draw.node("Transpose", heads, perm=axes))
    query, key, value = parts
    scores = draw.node("Mul", draw.node("MatMul", query, key), draw.constant(size**-0.5))
    mixed = draw.node("MatMul", draw.node("Softmax", scores, axis=-1), value)
    joined = draw.reshape(draw.node("Transpose", mixed, perm=[0, 2, 1, 3]), -1, patches, numbers.width)
    return draw.node("Add", x, draw.linear(joined, weights, f"{layer}.mix"))


def _scaled(draw: Drawing, scaler: Scaler) -> str:
    """`Scaler.apply` on the input."""
    unknown = draw.node("IsNaN", "windows")
    scaled = draw.node("Sub", "windows", draw.constant(scaler.centre))
    scaled = draw.node("Div", scaled, draw.constant(scaler.width))
    scaled = draw.node("Clip", scaled, draw.constant(-CLIP), draw.constant(CLIP))
    scaled = draw.node("Where", unknown, draw.constant(0.0), scaled)
    flags = draw.node("Cast", unknown, to=TensorProto.FLOAT)
    share = draw.node("ReduceMean", flags, draw.constant([-1], np.int64), keepdims=1)
    return draw.node("Concat", scaled, share, axis=-1)


def _gates(weight: Tensor) -> "np.ndarray[Any, Any]":
    """torch orders the gates input, forget, cell, output; ONNX input, output, forget, cell."""
    of_input, forget, cell, output = np.split(weight.numpy(), 4)
    return np.concatenate((of_input, output, forget, cell))
