"""A PyTorch module as a function of NumPy's, whose graph is microbn's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from ..arguments import need_package
from ..engine.mode import scope
from ..engine.node import is_node, plain
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, GraphError, ShapeError, listed
from .aten import numpy_dtype
from .exporting import exported_program
from .operations import check_operations, compute
from .origins import assigned
from .refused import Refused


def from_torch(
    module: Any, *inputs: Any, **keywords: Any
) -> tuple[TorchFunction, dict[str, Tensor]]:
    """Return a PyTorch module as a function, and a dict of its parameters as Tensors, by name.

    The function takes inputs of the shapes of ``inputs`` and ``keywords`` and, by name, other
    parameters than those that are returned: ``function(x)``, ``function(x, **leaves)``. It computes
    what the module computes, in training or in evaluation as ``module.training`` says, in the dtype
    of the module. So `microbn.story`, `microbn.draw`, `microbn.compile` and `gradcheck` work on it.
    Its groups are the module's own. Inputs that are True, an int, a text or None are settings: the
    function is the one for these. A parameter without ``requires_grad`` is frozen, a constant, and
    is not returned.

    >>> function, leaves = from_torch(net, torch.randn(5, 4))  # doctest: +SKIP
    >>> function(x).backward(dy)  # doctest: +SKIP
    >>> leaves["0.weight"].grad  # doctest: +SKIP

    The module is exported by ``torch.export``, and is not changed. If the module writes into its
    inputs, the function computes the same result without changing its own inputs. Raises GraphError
    if the export fails or if operations have no counterpart here; the message lists all of these,
    each with the line of the module. Raises ArgumentError for anything but a module and for a
    keyword that is the name of a parameter too, and MissingPackageError without PyTorch.
    """
    need_package("torch", "libraries", "from_torch")
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ArgumentError(
            f"from_torch: needs a torch.nn.Module, and then its inputs; got {type(module).__name__}"
        )
    parameters = dict(module.named_parameters(remove_duplicate=False))
    if both := sorted(keywords.keys() & parameters):
        raise ArgumentError(
            f"from_torch: {both[0]!r} is an input and a parameter; give the input without a name"
        )
    given = torch.utils._pytree.tree_map(_example_of_torch, (inputs, keywords))
    frozen = {name for name, x in parameters.items() if not x.requires_grad}
    function = TorchFunction(exported_program(module, *given), type(module).__name__, frozen)
    return function, function.leaves


class TorchFunction:
    """A PyTorch module as a function. It is pure: the same inputs give the same result.

    ``leaves`` are the parameters, and ``buffers`` are the buffers as arrays, by their names in the
    module. After a call ``updated`` has the buffers that the module would have then, such as
    ``1.running_mean``; ``function.buffers.update(function.updated)`` goes on from them. ``frozen``
    are the parameters that the module does not train, as arrays. ``examples`` are the inputs that
    the module was exported with, those of floats as Tensors.
    """

    def __init__(self, exported: Any, name: str, frozen: Collection[str] = ()) -> None:
        """Read the program that ``torch.export`` made of a module of the class with this name."""
        self.__name__ = name
        signature = exported.graph_signature
        self._nodes, self._trees = list(exported.graph.nodes), exported.call_spec
        # What each output is: a result, or what is written into a buffer or an input.
        self._outputs = [(spec.kind.name, spec.target) for spec in signature.output_specs]
        specs = (spec for spec in signature.input_specs if spec.kind.name == "USER_INPUT")
        self._given = [spec.arg.name for spec in specs]
        self._keywords = exported.example_inputs[1].keys()
        state = {**exported.state_dict, **exported.constants}
        self.leaves: dict[str, Tensor] = {}
        self.frozen: dict[str, np.ndarray] = {}
        self.buffers: dict[str, np.ndarray] = {}
        self._held: dict[str, str] = {}  # the name of a placeholder, and of what it stands for
        once: dict[Any, Tensor] = {}  # a weight that several layers share is one leaf
        for name, path in signature.inputs_to_parameters.items():
            self._held[name] = path
            if path in frozen:
                self.frozen[path] = _numpy_array(state[path])
                continue
            if (place := _place_in_memory(state[path])) not in once:
                once[place] = _parameter_leaf(path, state[path])
            self.leaves[path] = once[place]
        named = signature.inputs_to_buffers | signature.inputs_to_lifted_tensor_constants
        for name, path in named.items():
            self._held[name] = path
            self.buffers[path] = _numpy_array(state[path])
        self.updated: dict[str, np.ndarray] = dict(self.buffers)
        given = zip(self._given, _leaves_of_tree(exported.example_inputs), strict=True)
        self.examples = [_example_input(_taken_in(x), name) for name, x in given]
        check_operations(self._nodes)
        self._variables = assigned(self._nodes)

    def __call__(self, *inputs: Any, **given: Any) -> Any:
        """Compute the module's result: a Tensor or a tuple, a list or a dict of them.

        ``given`` are inputs that the example gave by name, and parameters. Raises ShapeError for
        inputs that do not have the shapes of the example, DTypeError for half precision, and
        ArgumentError for another number of inputs, another setting or a name that is unknown.
        """
        keywords = {name: x for name, x in given.items() if name in self._keywords}
        leaves = {name: x for name, x in given.items() if name not in self._keywords}
        if unknown := leaves.keys() - self.leaves.keys() - self.frozen.keys():
            raise ArgumentError(
                f"from_torch: the module has no parameter {min(unknown)!r}; it has "
                f"{listed([*self.leaves, *self.frozen])}, and takes {listed(self._given)}"
            )
        flat = [*map(_taken_in, self._flat(inputs, keywords))]
        self._check_inputs(flat)
        instead = {
            self.leaves[path].number: leaves[path] for path in leaves.keys() & self.leaves.keys()
        }
        shared = {path: instead.get(x.number, x) for path, x in self.leaves.items()}
        held = {**self.buffers, **self.frozen, **shared, **leaves}
        values = dict(zip(self._given, flat, strict=True))
        values |= {name: held[path] for name, path in self._held.items()}
        constants = self.buffers.keys() | self.frozen.keys()
        words = {name: name for name in self._given}
        words |= {n: p.split(".")[-1] for n, p in self._held.items() if p in constants}
        outputs = compute(self._nodes, self._variables, values, words)
        made = [*zip(self._outputs, outputs, strict=True)]
        written = {path: plain(x) for (kind, path), x in made if kind == "BUFFER_MUTATION"}
        self.updated = self.buffers | written
        results = [_not_a_leaf(x) for (kind, _), x in made if kind == "USER_OUTPUT"]
        return self._trees.out_spec.unflatten(results)

    def of_all(self) -> tuple[Callable, list]:
        """Return the function with its parameters as further inputs, and a list of all inputs.

        A weight that several layers share is one input. So a check covers all:
        ``of, inputs = function.of_all()`` and then ``gradcheck(of, *inputs)``.
        """
        paths = {leaf.number: path for path, leaf in reversed(self.leaves.items())}
        names, count = [*paths.values()][::-1], len(self.examples)

        def of(*inputs: Any) -> Any:
            return self(*inputs[:count], **dict(zip(names, inputs[count:], strict=True)))

        of.__name__ = self.__name__
        given = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in self._given]
        of.__signature__ = Signature([*given, Parameter("parameters", Parameter.VAR_POSITIONAL)])  # type: ignore[attr-defined]
        return of, [*self.examples, *(Tensor(self.leaves[path].data, path) for path in names)]

    def _flat(self, inputs: tuple, keywords: dict) -> list:
        """Return what the inputs hold, in the order of the example; a dict may have another."""
        try:
            return self._trees.in_spec.flatten_up_to((inputs, keywords))
        except ValueError as error:  # other containers than in the example, or none
            if keywords or any(isinstance(x, dict) for x in inputs):
                raise ArgumentError(
                    f"from_torch: the inputs are not built as in the example: {error}"
                ) from None
            return _leaves_of_tree(inputs)

    def _check_inputs(self, inputs: Sequence) -> None:
        """Raise unless the inputs are as many as in the example, and fit it."""
        if len(inputs) != len(self._given):
            raise ArgumentError(
                f"from_torch: the module takes {listed(self._given)}, got {len(inputs)} inputs"
            )
        for name, x, example in zip(self._given, inputs, self.examples, strict=True):
            _check_input(name, x, example)


def _not_a_leaf(x: Any) -> Any:
    """Return a result from which a backward pass can start, even if it is an input itself."""
    return +x if is_node(x) and not x.function else x


def _check_input(name: str, x: Any, example: Any) -> None:
    """Raise unless an input has the shape of the example, or is the same setting."""
    if _is_setting(example):
        if not _is_setting(x) or x != example:
            raise ArgumentError(
                f"from_torch: {name} was {example!r} when the module was exported, got {x!r:.60}; "
                "call from_torch with that"
            )
        return
    if (shape := np.shape(x)) != example.shape:
        raise ShapeError(
            f"from_torch: {name} has shape {shape}, and the module was exported for "
            f"{example.shape}; call from_torch with an example of the other shape"
        )
    if x.dtype.kind == "f" and x.dtype not in (np.float32, np.float64):
        raise DTypeError(
            f"from_torch: {name} is {x.dtype}; convert it to {example.dtype}, with astype"
        )


def _leaves_of_tree(inputs: Any) -> list:
    """Return what tuples, lists and dicts hold, one after another."""
    from torch.utils import _pytree

    return _pytree.tree_leaves(inputs)


def _is_setting(x: Any) -> bool:
    return x is None or isinstance(x, (bool, int, str))


def _example_of_torch(x: Any) -> Any:
    """Return a copy, because what is given twice would be one input."""
    import torch

    return x if _is_setting(x) else torch.as_tensor(x).detach().clone()


def _example_input(x: Any, name: str) -> Any:
    return Tensor(x, name) if not _is_setting(x) and x.dtype.kind == "f" else x


def _taken_in(x: Any) -> Any:
    """Take an input in: a Tensor, an array or a setting as it is, one of PyTorch's as an array."""
    if is_node(x) or _is_setting(x):
        return x
    return _numpy_array(x) if hasattr(x, "detach") else np.asarray(x)


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
