"""A PyTorch module as a function of NumPy's, whose graph is microbn's."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import need_package
from ..engine.mode import scope
from ..engine.names import label
from ..engine.node import is_node, plain
from ..engine.tensor import Tensor
from ..errors import ArgumentError, GraphError, ShapeError, listed
from .aten import ATEN, as_promoted, numpy_dtype
from .exporting import exported_program
from .sliding import Refused

_TARGET = re.compile(r"([^\W\d]\w*) *=[^=]")  # of an assignment


def from_torch(module: Any, *inputs: Any) -> tuple[TorchFunction, dict[str, Tensor]]:
    """Return a PyTorch module as a function, and its parameters as Tensors, by their names there.

    The function takes inputs of the shapes of ``inputs`` and, by name, other parameters than those
    that are returned: ``function(x)``, ``function(x, **leaves)``. It computes what the module
    computes, in training or in evaluation as ``module.training`` says, in the dtype of the module.
    So `microbn.story`, `microbn.draw`, `microbn.compile` and `gradcheck` work on it. Its groups are
    the module's own.

    >>> function, leaves = from_torch(net, torch.randn(5, 4))  # doctest: +SKIP
    >>> function(x).backward(dy)  # doctest: +SKIP
    >>> leaves["0.weight"].grad  # doctest: +SKIP

    The module is exported by ``torch.export``, and is not changed. Raises GraphError if that fails
    or if an operation has no counterpart here; all of these are listed, each with the line of the
    module. Raises ArgumentError for anything but a module, and MissingPackageError without PyTorch.
    """
    need_package("torch", "libraries", "from_torch")
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ArgumentError(
            f"from_torch: needs a torch.nn.Module, and then its inputs; got {type(module).__name__}"
        )
    given = torch.utils._pytree.tree_map(_example_of_torch, inputs)
    function = TorchFunction(exported_program(module, given), type(module).__name__)
    return function, function.leaves


class TorchFunction:
    """A PyTorch module as a function. It is pure: the same inputs give the same result.

    ``leaves`` are the parameters, and ``buffers`` are the buffers as arrays, by their names in the
    module. After a call ``updated`` has the buffers that the module would have then, such as
    ``1.running_mean``; ``function.buffers.update(function.updated)`` goes on from them.
    ``examples`` are the inputs that the module was exported with, those of floats as Tensors.
    """

    def __init__(self, exported: Any, name: str) -> None:
        """Read the program that ``torch.export`` made of a module of the class with this name."""
        self.__name__ = name
        signature = exported.graph_signature
        self._nodes, self._trees = list(exported.graph.nodes), exported.call_spec
        self._written = {**signature.buffers_to_mutate}  # the name of an output, and of its buffer
        self._given = list(signature.user_inputs)
        state = {**exported.state_dict, **exported.constants}
        self.leaves: dict[str, Tensor] = {}
        self.buffers: dict[str, np.ndarray] = {}
        self._held: dict[str, str] = {}  # the name of a placeholder, and of what it stands for
        once: dict[Any, Tensor] = {}  # a weight that several layers share is one leaf
        for name, path in signature.inputs_to_parameters.items():
            self._held[name] = path
            if (place := _place_in_memory(state[path])) not in once:
                once[place] = _parameter_leaf(path, state[path])
            self.leaves[path] = once[place]
        named = signature.inputs_to_buffers | signature.inputs_to_lifted_tensor_constants
        for name, path in named.items():
            self._held[name] = path
            self.buffers[path] = _numpy_array(state[path])
        self.updated: dict[str, np.ndarray] = dict(self.buffers)
        given = zip(self._given, _leaves_of_tree(exported.example_inputs[0]), strict=True)
        self.examples = [_example_input(_taken_in(x), name) for name, x in given]
        _check_operations(self._nodes)
        self._variables = _assigned(self._nodes)

    def __call__(self, *inputs: Any, **leaves: Any) -> Any:
        """Compute the module's result: a Tensor or a tuple, a list or a dict of them.

        Raises ShapeError for inputs that do not have the shapes of the example, and ArgumentError
        for another number of them or a parameter that does not exist.
        """
        if unknown := leaves.keys() - self.leaves.keys():
            raise ArgumentError(
                f"from_torch: the module has no parameter {min(unknown)!r}; it has "
                f"{listed(self.leaves)}"
            )
        flat = self._flat(inputs)
        self._check_inputs(flat)
        values = dict(zip(self._given, map(_taken_in, flat), strict=True))
        instead = {self.leaves[path].number: x for path, x in leaves.items()}
        shared = {path: instead.get(x.number, x) for path, x in self.leaves.items()}
        held = {**self.buffers, **shared, **leaves}
        values |= {name: held[path] for name, path in self._held.items()}
        outputs = self._compute(values)
        written = [plain(value) for value in outputs[: len(self._written)]]
        self.updated = self.buffers | dict(zip(self._written.values(), written, strict=True))
        return self._trees.out_spec.unflatten(outputs[len(self._written) :])

    def _flat(self, inputs: tuple) -> list:
        """Return what the inputs hold, in the order of the example; a dict may have another."""
        try:
            return self._trees.in_spec.flatten_up_to((inputs, {}))
        except ValueError as error:  # other containers than in the example, or none
            if any(isinstance(x, dict) for x in inputs):
                raise ArgumentError(
                    f"from_torch: the inputs are not built as in the example: {error}"
                ) from None
            return _leaves_of_tree(inputs)

    def _check_inputs(self, inputs: Sequence) -> None:
        """Raise unless the inputs are as many as in the example, and of the same shapes."""
        if len(inputs) != len(self._given):
            raise ArgumentError(
                f"from_torch: the module takes {listed(self._given)}, got {len(inputs)} inputs"
            )
        for name, x, example in zip(self._given, inputs, self.examples, strict=True):
            if (shape := tuple(np.shape(x))) != example.shape:
                raise ShapeError(
                    f"from_torch: {name} has shape {shape}, and the module was exported for "
                    f"{example.shape}; call from_torch with an example of the other shape"
                )

    def _compute(self, values: dict[str, Any]) -> list:
        """Compute all operations, each in the group of its module, and return the outputs."""
        for node in self._nodes:
            if node.op == "call_function":
                args, kwargs = (_with_values(values, part) for part in (node.args, node.kwargs))
                with ExitStack() as groups:
                    for part in _module_path(node):
                        groups.enter_context(scope(part))
                    values[node.name] = value = _result_of(node, args, kwargs)
                if node.name in self._variables:
                    label({self._variables[node.name]: value})
        return [_with_values(values, x) for x in self._nodes[-1].args[0]]


def _check_operations(nodes: Sequence) -> None:
    """Raise GraphError with all operations that have no counterpart, and their lines."""
    missing: dict[str, str] = {}
    for node in nodes:
        if node.op not in ("placeholder", "output") and _operation(node) is None:
            missing.setdefault(_operation_name(node), _said_where(node))
    if missing:
        found = listed(f"{name}{line}" for name, line in missing.items())
        raise GraphError(
            f"from_torch: there is no counterpart for {found}; leave it out, or write that part "
            "with other operations"
        )


def _operation(node: Any) -> Callable | None:
    """Return the function of NumPy's for a node, or None if there is none."""
    if node.target is operator.getitem:
        return operator.getitem
    name = _operation_name(node)
    return ATEN.get(name, ATEN.get(name.split(".")[0]))


def _operation_name(node: Any) -> str:
    """Return the name of a node's operation, such as ``add.Tensor``."""
    return str(node.target).removeprefix("aten.")


def _result_of(node: Any, args: Sequence, kwargs: Mapping[str, Any]) -> Any:
    """Compute a node. Raises GraphError with its line if its arguments have no counterpart."""
    dtype = getattr(node.meta.get("val"), "dtype", None)
    try:
        args = as_promoted(_operation_name(node).split(".")[0], args, dtype)
        return _operation(node)(*args, **kwargs)  # type: ignore[misc]
    except Refused as error:
        raise GraphError(
            f"from_torch: {_operation_name(node)}{_said_where(node)}: {error}"
        ) from None


def _said_where(node: Any) -> str:
    """Return where a node comes from: ``, in 0.norm (net.py:12: x = self.drop(x))``."""
    path = ".".join(_module_path(node))
    lines = _lines_of_code(node, own=True) or _lines_of_code(node)
    said = [f" ({Path(file).name}:{number}: {code})" for file, number, code in lines[-1:]]
    return "".join([f", in {path}" * bool(path), *said])


def _lines_of_code(node: Any, own: bool = False) -> list[tuple[str, ...]]:
    """Return the file, the number and the text of the lines that led to a node, outermost first.

    With ``own`` they are those of the module's own code alone, without PyTorch's.
    """
    trace = node.meta.get("stack_trace") or ""
    lines = re.findall(r'File "(.+)", line (\d+), in .+\n +(.+)', trace)
    return [line for line in lines if not (own and "torch" in Path(line[0]).parts)]


def _assigned(nodes: Sequence) -> dict[str, str]:
    """Map the names of nodes to those of the variables that the module's code assigns them to.

    A line such as ``h = self.norm(self.lin(x))`` makes several nodes, and the last of them is h.
    """
    lines = [(node.name, _lines_of_code(node, own=True)[-1:]) for node in nodes]
    found = {}
    for (name, line), (_, following) in pairwise(lines):
        if line and line != following and (target := _TARGET.match(line[0][2])):
            found[name] = target[1]
    return found


def _module_path(node: Any) -> list[str]:
    """Return the names of the modules that a node is in, the outermost first."""
    stack = [path for path, _ in (node.meta.get("nn_module_stack") or {}).values() if path]
    return stack[-1].split(".") if stack else []


def _with_values(values: Mapping[str, Any], x: Any) -> Any:
    """Put values in the places of nodes."""
    if isinstance(x, (tuple, list)):
        return type(x)(_with_values(values, one) for one in x)
    if isinstance(x, dict):
        return {key: _with_values(values, one) for key, one in x.items()}
    return values[x.name] if hasattr(x, "op") else x


def _leaves_of_tree(inputs: Any) -> list:
    """Return what tuples, lists and dicts hold, one after another."""
    from torch.utils import _pytree

    return _pytree.tree_leaves(inputs)


def _example_of_torch(x: Any) -> Any:
    """Return a copy, because what is given twice would be one input."""
    import torch

    return torch.as_tensor(x).detach().clone()


def _example_input(x: Any, name: str) -> Any:
    return Tensor(x, name) if x.dtype.kind == "f" else x


def _taken_in(x: Any) -> Any:
    """Take an input in: a Tensor or an array as it is, one of PyTorch's as an array."""
    return x if is_node(x) else _numpy_array(x) if hasattr(x, "detach") else np.asarray(x)


def _numpy_array(x: Any) -> np.ndarray:
    """Return a copy of one of PyTorch's tensors. Raises GraphError for a dtype that NumPy lacks."""
    try:
        numpy_dtype(x.dtype)
    except Refused as error:
        raise GraphError(f"from_torch: {error}") from None
    return np.array(x.detach().cpu().numpy())


def _place_in_memory(x: Any) -> Any:
    """Return what only the same numbers in memory have in common. Empty ones are all different."""
    return (x.data_ptr(), *x.shape, *x.stride()) if x.numel() else id(x)


def _parameter_leaf(path: str, x: Any) -> Tensor:
    """Return a parameter as a leaf in the group of its module."""
    *groups, name = path.split(".")
    with ExitStack() as inside:
        for group in groups:
            inside.enter_context(scope(group))
        leaf = Tensor(_numpy_array(x), name)
    leaf.role = "parameter"
    return leaf
