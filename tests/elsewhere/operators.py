"""The batch norm that other libraries are asked for, and ONNX's operator as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Layer(NamedTuple):
    """A batch norm of a library, as it is made if nothing but a momentum is said."""

    train: Callable  # normalize, and move the statistics
    evaluate: Callable  # normalize with the statistics
    statistics: Callable  # the running mean and variance, as they would be used
    gradient: Callable | None = None  # of x, from x and a cotangent
    second: Callable | None = None  # of the sum of that gradient times a direction
    arrays: Callable | None = None  # what it keeps, by its own names


def onnx_runtime(channels: int, axes: int, **momentum: float) -> Layer:
    import onnxruntime

    def run(model: Any, inputs: dict) -> list:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        given = {"sess_options": options, "providers": ["CPUExecutionProvider"]}
        return onnxruntime.InferenceSession(model.SerializeToString(), **given).run(None, inputs)

    return of_onnx(run, channels, momentum)


def onnx_reference(channels: int, axes: int, **momentum: float) -> Layer:
    from onnx.reference import ReferenceEvaluator

    return of_onnx(
        lambda model, inputs: ReferenceEvaluator(model).run(None, inputs), channels, momentum
    )


def of_onnx(run: Callable, channels: int, momentum: dict) -> Layer:
    """Make a layer of the operator BatchNormalization."""
    held = [np.zeros(channels, np.float32), np.ones(channels, np.float32)]

    def called(x: np.ndarray, training: int) -> np.ndarray:
        rest = [np.ones(channels, x.dtype), np.zeros(channels, x.dtype)]
        inputs = dict(zip("xsbmv", (x, *rest, *(s.astype(x.dtype) for s in held)), strict=True))
        y, *moved = run(operator(inputs, training, momentum), inputs)
        held[:] = moved or held
        return y

    def arrays() -> dict:
        ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
        return {"scale": ones, "B": zeros, "input_mean": held[0], "input_var": held[1]}

    return Layer(lambda x: called(x, 1), lambda x: called(x, 0), lambda: held, arrays=arrays)


def operator(inputs: dict[str, np.ndarray], training: int, momentum: dict) -> Any:
    """Return the model of one BatchNormalization, of opset 15."""
    from onnx import helper

    outputs = ["y", "mean", "variance"][: 3 if training else 1]
    node = helper.make_node(
        "BatchNormalization", [*inputs], outputs, training_mode=training, **momentum
    )
    kind = helper.np_dtype_to_tensor_dtype(inputs["x"].dtype)
    info = {name: (kind, array.shape) for name, array in inputs.items()}
    graph = helper.make_graph(
        [node],
        "batch_norm",
        [helper.make_tensor_value_info(name, *given) for name, given in info.items()],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
