"""A recorded graph as a program: the forward, and the backward that nobody wrote, in plain NumPy.

`compile` runs a function once and records it, differentiates the record by the usual rules in the
usual sweep, and writes all calls down: as source to read, and as code that runs in arrays made
beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import compress, count
from operator import not_
from typing import Any

import numpy as np

from ..arguments import declared_parameters
from ..engine.arrays import check_plain, constant
from ..engine.backward import start, sweep
from ..engine.functions import stop_gradient
from ..engine.mode import Mode, mode
from ..engine.names import describe
from ..engine.node import is_node
from ..engine.record import record
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, GraphError, listed
from .literals import identifier
from .passes import REWRITES, made_from, rebuilt, simplified
from .running import Program
from .tracing import Tracing
from .variables import paths, variables

PASSES = ("dead", *REWRITES, "views", "buffers")
ALL_PASSES = (*PASSES, "blas", "stages")


def compile(
    f: Callable,
    *examples: Any,
    cotangent: Any = None,
    gradients: bool = True,
    passes: Collection[str] = PASSES,
    backend: str = "numpy",
) -> Program:
    """Compile ``f`` and its gradients to a `Program` for operands like the examples.

    ``f`` runs once, on Tensors with the examples' values. The program takes arrays of the same
    shapes and dtypes. For each example that is a Tensor it computes the gradient of the first
    result of f. Examples that are arrays are data. If the first result is not one number, give an
    example of its gradient as ``cotangent``, which becomes the last operand. With
    ``gradients=False`` the program returns only what f returns. f itself may call `grad` with
    create_graph.

    If Python decides something by shapes while f runs, the decision stays in the program. A
    decision by values, such as ``if x[0] > 0``, raises GraphError. Each Tensor that f uses has to
    be an example. Other arrays and numbers that f uses become constants.

    Each name in ``passes`` switches a pass on: "dead" leaves out the gradients of data, "constants"
    computes at once what follows from constants alone, "common" computes equal calls once,
    "algebra" replaces operations by cheaper ones, "views" makes views once, and "buffers" gives
    each result an array made beforehand, if possible one that is no longer needed. The algebra
    keeps values that have names. It changes results by rounding, and it regroups products, so a
    product may overflow that did not overflow before, or no longer overflow.

    ``ALL_PASSES`` has two more passes. With "stages" the algebra replaces values that have names
    too, and leaves out a bias where it cancels, and sums that are zero. With "blas" a sum over an
    axis of a matrix becomes a product, which adds in another order.

    With the ``backend`` "numba", calls that work entry by entry and sums over axis 0 run in fused
    loops that Numba compiles, with the same numbers to the last bit. ``program.kernels`` is the
    text of these loops. The backend "python" runs the same text without Numba, which is slow, and
    good for reading and testing.

    Raises MissingPackageError if Numba is needed and not installed. Raises ArgumentError,
    GraphError, DTypeError or ShapeError for a function that cannot be compiled, and for one in
    which something would become a constant by mistake, such as a gradient without create_graph.
    """
    from .kernels import compiler_of  # on first need

    _check_request(f, examples, cotangent, gradients, passes)
    compiler = compiler_of(backend)
    before = mode.get()
    try:
        mode.set(Mode())  # as if nothing were switched on outside
        inputs, outputs, several = _traced(f, examples)
        asked: list = []
        unasked: list = []
        if gradients:
            asked, unasked = _derived(outputs[0], inputs, examples, cotangent)
        kept = [] if "dead" in passes else unasked
        every = simplified([*outputs, *asked, *kept], inputs, passes)
    finally:
        mode.set(before)
    result: Any = every[: len(outputs)] if several else every[0]
    if gradients:
        result = result, every[len(outputs) :][: len(asked)]
    return Program(_title(f), inputs, result, every, passes, compiler)


def _title(f: Callable) -> str:
    """Return the name of the function that the program will be."""
    name = getattr(f, "__name__", None)
    text = name if type(name) is str else type(f).__name__
    return identifier(text.replace("<lambda>", "program"))


def _check_request(
    f: Any, examples: Sequence, cotangent: Any, gradients: bool, passes: Any
) -> None:
    """Raise if these arguments do not say what to compile."""
    if not callable(f):
        raise DTypeError(f"compile: compiles a function, got {f!r:.60}")
    some = passes if isinstance(passes, Collection) and not isinstance(passes, str) else [passes]
    if wrong := [name for name in some if not (isinstance(name, str) and name in ALL_PASSES)]:
        raise ArgumentError(f"compile: {wrong[0]!r:.60} is not a pass; write {listed(ALL_PASSES)}")
    for i, x in enumerate(examples):
        if isinstance(x, (list, tuple, dict)) and any(isinstance(y, Tensor) for y in x):
            kind = type(x).__name__
            raise DTypeError(f"compile: example {i} is a {kind} of Tensors; pass each one: *xs")
    tensors = [x.number for x in examples if isinstance(x, Tensor)]
    if len(set(tensors)) < len(tensors):
        raise ArgumentError("compile: the same Tensor is an example twice; copy it: Tensor(x.data)")
    if cotangent is not None and not gradients:
        raise ArgumentError("compile: a cotangent is for gradients; leave out gradients=False")
    if gradients and not tensors:
        raise GraphError(
            "compile: no example is a Tensor, so none gets a gradient; write Tensor(x) for an "
            "example that should get one, or gradients=False"
        )


def _traced(f: Callable, examples: Sequence) -> tuple[list, list, bool]:
    """Run f and record it.

    Returns the operands, each with a name of its own, f's results, and whether they are a tuple.
    """
    words = [word for word, _ in zip(_operand_names(f), examples, strict=False)]
    leaves = [
        x if isinstance(x, Tensor) else placeholder(x, word)
        for x, word in zip(examples, words, strict=True)
    ]
    first, before = Tensor(0.0).number, mode.get()
    try:
        mode.set(Mode(watches=(Tracing({x.number for x in leaves}),)))
        returned = f(*leaves)
    finally:  # no call before this one, or Ctrl-C could come in between
        mode.set(before)
    several = isinstance(returned, (tuple, list))
    outputs = [constant(x) for x in (returned if several else [returned])]
    for x in outputs or [None]:
        if not isinstance(x, (Tensor, np.ndarray, np.generic, float, int)):
            what = f"a {type(x).__name__}{' in a tuple' * several}" if outputs else "nothing"
            raise DTypeError(f"compile: f returned {what}; return a Tensor, or a tuple of Tensors")
    given = {x.number: word for x, word in zip(leaves, words, strict=True)}
    for node in made_from(outputs, leaves):
        if node.number not in given:
            _check_node(node, first)
    return *_renamed(leaves, outputs, given), several


def _check_node(node: Any, first: int) -> None:
    """Raise GraphError for a Tensor from elsewhere, which a program cannot compute."""
    if node.function is None and node.number < first:
        raise GraphError(
            f"compile: f uses {describe(node)}, which is none of the examples; pass it as an "
            "example (for a module: compile(lambda x, *_: f(x), x, *model.parameters())), "
            "or use its .data for a constant"
        )


def _renamed(leaves: list, outputs: list, given: dict[int, str]) -> tuple[list, list]:
    """Record the same graph once more, with a different name for each node that has a name."""
    nodes = [*leaves, *(x for x in made_from(outputs, leaves) if x.number not in given)]
    named = {x.number: "out" for x in outputs if is_node(x)} | given | paths(nodes)
    names = variables(nodes, named)

    def again(node: Any, args: list) -> Any:
        new = record(Tensor, node.function, args, node.kwargs)
        new.name = names[node.number] if node.number in named else None
        return new

    inputs = [placeholder(x.value, names[x.number]) for x in leaves]
    return inputs, rebuilt(outputs, leaves, inputs, again)


def _derived(root: Any, inputs: list, examples: Sequence, cotangent: Any) -> tuple[list, list]:
    """Return the gradients of the root for examples that are Tensors, and those for the others.

    A cotangent is added to the inputs.
    """
    seed = None
    if any(root is x for x in inputs):  # f returns its operand
        root, name = +root, root.name
        root.name = name
    if cotangent is not None:
        seed = placeholder(start(root, cotangent), f"d_{root.name}")
    found = {s.node.number: s.gradient for s in sweep(root, seed, create_graph=True)}
    gradients = [found.get(x.number, np.zeros(x.shape, x.dtype)) for x in inputs]
    wanted = [isinstance(example, Tensor) for example in examples]
    inputs += [] if seed is None else [seed]
    return [*compress(gradients, wanted)], [*compress(gradients, map(not_, wanted))]


def _operand_names(f: Callable) -> Iterator[str]:
    """Yield the names of f's parameters, and xs_1, xs_2 ... for ``*xs``."""
    for p in declared_parameters(f):
        if p.kind == p.VAR_POSITIONAL:
            yield from (f"{p.name}_{i}" for i in count(1))
        yield p.name
    yield from (f"x_{i}" for i in count(1))


def placeholder(value: Any, name: str) -> Any:
    """Return a node with this name and value, in the place of an operand.

    For floats it is a leaf. For integers and booleans, which get no gradient, it is a constant.
    """
    check_plain(value)
    value = np.array(value)
    if value.dtype.kind not in "iub":
        return Tensor(value, name)
    leaf = record(Tensor, stop_gradient, [value])
    leaf.name = name
    return leaf
