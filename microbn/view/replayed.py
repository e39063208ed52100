"""A story computed again: its tape and its sweep, recorded anew from the numbers that may change.

From this record a page gets a program that computes every array of the story from other numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import sweep
from ..engine.functions import getitem, scatter, stop_gradient
from ..engine.mode import Mode, mode, switched
from ..engine.names import spelled
from ..engine.node import is_node
from ..engine.record import record
from ..engine.tensor import Tensor
from ..program.passes import made_from, rebuilt, simplified
from ..program.script import Script
from ..program.source import Listing
from ..program.tracing import Tracing
from .graph import Vertex
from .teller import Teller

TITLE = "told"  # the name of the program
# Functions in which a whole number may become any other number.
_ARITHMETIC = {np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum}


class Input(NamedTuple):
    """A number, or an array of numbers, that may change: a leaf, a constant, or the cotangent.

    ``node`` is the one in the graph, ``value`` what it is now, and ``leaf`` the place that it has
    in the record. ``refused`` says why it must stay as it is, or is "".
    """

    node: Vertex
    value: np.ndarray
    leaf: Any
    is_cotangent: bool = False
    refused: str = ""


class Replayed:
    """Records a story anew. ``inputs`` are the numbers that may change.

    ``script`` is a program in JavaScript that takes those of them that are not refused. It returns
    arrays, and ``outputs`` maps each array of the story that it computes to its place among them.
    An array is called by what it is and whose: ``("value", "n4")``, ``("total", "e7")``. Those that
    stay the same are not among them.
    """

    def __init__(self, teller: Teller) -> None:
        self._teller, self._nodes = teller, teller.links.nodes
        self._leaves: dict[int, Any] = {}  # what stands for each leaf, by its number
        self._constants: dict[tuple[int, int], Any] = {}  # by the number of the user, and position
        self._decided: list[tuple[Any, str]] = []  # nodes whose values have decided something
        self.inputs: list[Input] = []
        before, given = mode.get(), set[int]()
        try:
            mode.set(Mode(watches=(Tracing(given),)))  # a rule must not decide by values
            with np.errstate(all="ignore"):
                self._add_inputs()
                given.update(x.leaf.number for x in self.inputs)
                self._write(self._recorded())
        finally:
            mode.set(before)

    # --- the inputs

    def _add_inputs(self) -> None:
        for tensor in self._teller.words.tensors.values():
            node = self._node_of(tensor)
            if tensor.function is None:
                self._leaves[tensor.number] = self._input(node, node.value, node.value.dtype)
            for edge in self._teller.links.into(node.id):
                source = self._nodes[edge.source]
                if source.role == "constant" and (dtype := _dtype_of(tensor, edge.position)):
                    leaf = self._input(source, source.value, dtype)
                    leaf.flows = False  # or the sweep would send it a gradient
                    self._constants[tensor.number, edge.position] = leaf

    def _input(self, node: Vertex, value: Any, dtype: np.dtype, is_cotangent: bool = False) -> Any:
        leaf = Tensor(np.asarray(value, dtype))
        self.inputs.append(Input(node, value, leaf, is_cotangent))
        return leaf

    def _node_of(self, tensor: Any) -> Vertex:
        return self._nodes[self._teller.links.ids[tensor.number]]

    # --- the record

    def _recorded(self) -> dict[Any, Any]:
        """Run the tape and its sweep again. Return the node of each array of the story."""
        found, made = {}, dict(self._leaves)
        for tensor in self._teller.words.tensors.values():
            if tensor.function is not None:
                operands = [*self._operands(tensor, made)]
                made[tensor.number] = record(Tensor, tensor.function, operands, tensor.kwargs)
            found["value", self._teller.links.ids[tensor.number]] = made[tensor.number]
            self._look_for_decisions(tensor, made)
        ids = {node.number: id for (_, id), node in found.items()}
        found |= {("value", x.node.id): x.leaf for x in self.inputs if x.node.role == "constant"}
        root = self._teller.swept[0]
        seed = root.gradient
        if not self._teller.news.is_loss:
            at = self._node_of(root.node)
            seed = self._input(at, np.asarray(seed), at.value.dtype, is_cotangent=True)
        sums: dict[int, Any] = {}
        for step in sweep(made[root.node.number], seed, create_graph=True):
            found |= self._sent(step, ids[step.node.number], sums)
        return found

    def _operands(self, tensor: Any, made: dict[int, Any]) -> Iterator[Any]:
        """Yield the operands of a call: nodes of the record, or constants."""
        for position, (x, value) in enumerate(zip(tensor.inputs, tensor.args, strict=True)):
            mask = position and tensor.function in (getitem, scatter) and value is not None
            if not is_node(x):
                yield self._constants.get((tensor.number, position), value)
            elif mask and np.asarray(value).dtype == bool:
                name = self._teller.words.names[self._node_of(tensor).id]
                self._decided.append((made[x.number], f"it decides which entries {name} has"))
                yield value
            else:
                yield made[x.number]

    def _look_for_decisions(self, tensor: Any, made: dict[int, Any]) -> None:
        """Remember values that Python has read before it computed the root, and what they decided.

        Whatever was made under no_grad() has lost its operands, which may be any leaf before it.
        """
        name, root = self._teller.words.names[self._node_of(tensor).id], self._teller.swept[0].node
        when, value = getattr(tensor.record, "read", (root.number, 0))
        replaced = tensor.function is None and value != id(tensor.record.out)
        if when < root.number and not replaced:
            why = "the code read a value made from it, and what came next may depend on that"
            self._decided.append((made[tensor.number], why))
        if tensor.function is stop_gradient and not is_node(tensor.inputs[0]):
            why = f"{name} was made under no_grad(), and may have been made from it"
            earlier = [leaf for number, leaf in self._leaves.items() if number < tensor.number]
            self._decided += [(leaf, why) for leaf in earlier]

    def _sent(self, step: Any, id: str, sums: dict[int, Any]) -> dict[Any, Any]:
        """Return the node of each array that a step of the sweep has."""
        edges = {edge.position: edge.id for edge in self._teller.links.into(id)}
        found = {("gradient", id): step.gradient}
        for message in step.messages:
            edge, number, part = edges[message.position], message.operand.number, message.gradient
            earlier = sums.get(number)
            sums[number] = part if earlier is None else earlier + part
            terms = {"product": message.product, "gradient": part, "earlier": earlier}
            found |= {(word, edge): x for word, x in {**terms, "total": sums[number]}.items()}
        return found

    # --- the program

    def _refuse(self, outputs: list, leaves: list) -> None:
        """Say of each number that must stay why it must."""
        decided = rebuilt([node for node, _ in self._decided], leaves, leaves, _opened)
        whys = [why for _, why in self._decided]
        stuck = dict(_stuck(outputs, leaves)) | {
            x.number: (x, why) for x, why in zip(decided, whys, strict=True) if is_node(x)
        }
        refused = {number: why for x, why in stuck.values() for number in _upstream(x, leaves)}
        self.inputs = [x._replace(refused=refused.get(x.leaf.number, "")) for x in self.inputs]

    def _write(self, found: dict[Any, Any]) -> None:
        """Write the program of all that the other numbers change."""
        leaves = [x.leaf for x in self.inputs]
        outputs = rebuilt([*found.values()], leaves, leaves, _opened)
        self._refuse(outputs, leaves)
        free = [x.leaf for x in self.inputs if not x.refused]
        alive = _downstream(outputs, free)
        kept = {key: x for key, x in zip(found, outputs, strict=True) if _is_in(x, alive)}

        def again(node: Any, operands: list) -> Any:
            is_moving = node.number in alive
            return record(Tensor, node.function, operands, node.kwargs) if is_moving else node.value

        results = simplified(rebuilt([*kept.values()], free, free, again), free, ["common"])
        places: dict[int, int] = {}
        for x in results:
            places.setdefault(x.number, len(places))
        self.outputs = {key: places[x.number] for key, x in zip(kept, results, strict=True)}
        nodes = {x.number: x for x in results}
        self.script = Script(_listing(results, free), [nodes[n] for n in places]).text()


def _dtype_of(tensor: Any, position: int) -> np.dtype | None:
    """Return the dtype in which NumPy computes with a constant operand, None if it must stay."""
    value, others = tensor.args[position], [x for x in tensor.args if hasattr(x, "dtype")]
    if np.ndim(value) or not isinstance(value, (float, int, np.ndarray, np.floating)):
        return None
    whole = np.asarray(value).dtype.kind != "f"
    if isinstance(value, bool) or (whole and tensor.function not in _ARITHMETIC):
        return None
    dtype = np.result_type(value, *others)
    return dtype if dtype.name in ("float32", "float64") else None


def _opened(node: Any, operands: list) -> Any:
    """Record a call again; of a primitive of the user's own, the calls that it makes itself."""
    function = node.function
    if hasattr(function, "compute") and not function.__module__.startswith("microbn.engine"):
        try:
            given = {x.number for x in filter(is_node, operands)}
            with switched("watches", (Tracing(given),)):
                inside = function.__wrapped__(*operands, **node.kwargs)
            if is_node(inside) and (inside.shape, inside.dtype) == (node.shape, node.dtype):
                return inside
        except Exception:  # it may decide by values, or do what only arrays allow
            pass
    return record(Tensor, function, operands, node.kwargs)


def _listing(outputs: Iterable, inputs: list) -> Listing:
    given = {x.number for x in inputs}
    nodes = [x for x in made_from(outputs, inputs) if x.number not in given]
    return Listing(TITLE, inputs, [x for x in nodes if x.function])


def _stuck(outputs: list, inputs: list) -> Iterator[tuple[int, tuple[Any, str]]]:
    """Yield the nodes that a page cannot compute, by number, each with the reason."""
    listing = _listing(outputs, inputs)
    refused = Script(listing, []).refused()
    for node in listing.nodes:
        if node.number in refused:
            yield node.number, (node, f"the page cannot compute {spelled(node.function)}")


def _upstream(node: Any, leaves: list) -> set[int]:
    """Return the numbers of the leaves that a node was made from."""
    return {x.number for x in made_from([node], leaves)} & {x.number for x in leaves}


def _downstream(outputs: list, leaves: list) -> set[int]:
    """Return the numbers of the nodes that were made from the leaves."""
    found = {x.number for x in leaves}
    for node in made_from(outputs, leaves):
        if any(is_node(x) and x.number in found for x in node.inputs):
            found.add(node.number)
    return found


def _is_in(x: Any, numbers: set[int]) -> bool:
    return is_node(x) and x.number in numbers
