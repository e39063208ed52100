"""A Module holds parameters (its Tensors), buffers (its arrays) and other Modules."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..engine.arrays import check_plain
from ..engine.mode import Mode, mode
from ..engine.node import Record
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, GraphError, ShapeError
from ..reading.lines import gives_back, note_result
from . import parts


class Module:
    """A part of a model. Subclass it, set Tensors and Modules as attributes, and write ``forward``.

    The value of an attribute says what it is. A Tensor is a parameter: an optimizer updates it. An
    array is a buffer: it is saved, but not learned. A Module is a part of this one. Lists, tuples
    and dicts are searched for all three.

    An attribute stays what it is. A buffer that is assigned an array, a number or a computed Tensor
    takes the values without their graph, and keeps its shape and dtype; values that do not fit
    raise ShapeError or DTypeError. You give a parameter new values by ``p.data = ...``, or replace
    it by a new leaf, ``Tensor(...)``; any other values raise GraphError. You may replace either by
    None, a Module or another object. An attribute that is first set while a Module is being called
    is a note of that call, and may hold anything.
    """

    training = True
    name: str | None = None
    # For each attribute, the kinds of its parts by path: "parameter", "buffer", or a call's "note".
    _kinds: Mapping[str, dict[str, str]] = {}

    # Whether a call runs no code of the user's, so that one look finds the line of all it computes.
    _one_line = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        ours = cls.__module__.startswith(f"{__package__}.")
        cls._one_line = vars(cls).get("_one_line", ours)
        if "__init__" in vars(cls):
            cls.__init__ = parts.listing_its_arguments(cls.__init__)  # type: ignore[method-assign]

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "name" and not (value is None or isinstance(value, str)):
            raise ArgumentError(f"{type(self).__name__}: a name is text, got {value!r:.60}")
        held, kinds = vars(self).get(name), self._kinds.get(name, {})
        if not (isinstance(value, _LOOKED_INTO) or isinstance(held, _LOOKED_INTO)):
            return super().__setattr__(name, value)  # a setting, such as training
        if kinds.get(name) == "buffer" and parts.has_values(value):
            value = parts.taken(self, name, held, value)
        else:
            inside = list(parts.walk(name, value))
            check_plain(*(part for _, part in inside if isinstance(part, np.ndarray)))
            noted = _depth.get() and set(kinds.values()) <= {"note"}
            kinds = {name: "note"} if noted else parts.kinds_of(self, inside, kinds)
            _release(name, held, value)
            _adopt(inside)
        super().__setattr__(name, value)
        self._know({name: kinds if vars(self).get(name) is value else {}})  # or a property has it

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._know({name: {}})

    def _know(self, kinds: dict[str, dict[str, str]]) -> None:
        """Remember kinds, in a new dict: a copy of the Module keeps the old."""
        super().__setattr__("_kinds", {**self._kinds, **kinds})

    def __getattr__(self, name: str) -> Any:
        """Say what to write instead of a method that only PyTorch's Modules have."""
        if name == "__signature__":  # inspect asks for it: a Module is called like its forward
            return inspect.signature(self.forward)
        if name in _INSTEAD_OF_METHODS:
            instead = _INSTEAD_OF_METHODS[name]
            raise AttributeError(f"{type(self).__name__} has no {name!r}; {instead}")
        return super().__getattribute__(name)  # raises Python's own error, or that of a property

    @gives_back
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        recording, groups, watches, role, lines = before = mode.get()
        around = _depth.get()
        try:
            _depth.set(around + 1)
            try:
                groups = groups if self.name is None else (*groups, self.name)
                origin = Record.here(None, 2) if self._one_line and lines is True else lines
                mode.set(Mode(recording, groups, watches, role, origin))
                result = self.forward(*args, **kwargs)
                note_result(result)
                return result
            finally:  # a single call each: no Ctrl-C can come before it
                mode.set(before)
        except RecursionError as error:
            if around < DEEP:  # something other than Modules went too deep
                raise
            raise GraphError(
                f"{type(self).__name__}: Modules call each other too deep for Python, whose limit "
                f"is {sys.getrecursionlimit()} calls; set layers beside each other, as in "
                "Sequential(a, b, c), or raise the limit by sys.setrecursionlimit"
            ) from error
        finally:
            _depth.set(around)

    def __repr__(self) -> str:
        return "\n".join(_lines(self))

    def forward(self, *args: Any) -> Any:
        """Compute the output. Every kind of Module has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward()")

    def modules(self) -> list[Module]:
        """Return this Module and all Modules inside it."""
        return [part for _, part in _all("", self) if isinstance(part, Module)]

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every parameter once, with its path: ``("layers.0.weight", Tensor)``.

        A computed Tensor that a Module holds is not a parameter.
        """
        return self._named(lambda part: parts.kind_of(part) == "parameter")

    def parameters(self) -> list[Tensor]:
        """Return every parameter once."""
        return [p for _, p in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield every buffer once, with its path: ``("layers.1.running_mean", array)``."""
        return self._named(lambda part: isinstance(part, np.ndarray))

    def _named(self, wanted: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, part in _all("", self):
            if wanted(part) and id(part) not in seen:
                seen.add(id(part))
                yield path, part

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            p.grad = None

    def train(self, training: bool = True) -> Module:
        """Switch this Module and all inside it to training; ``train(False)`` is `eval`."""
        for module in self.modules():
            module.training = training
        return self

    def eval(self) -> Module:
        """Switch to inference: batch norm uses its running statistics, dropout drops nothing."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of all parameters and buffers by path, laid out in memory row by row.

        Raises GraphError if a list or a dict has lost one of them: if a computed Tensor, an array
        or a number has been put in a parameter's place, or a number or a Tensor in a buffer's.
        """
        return {path: np.array(part, order="C") for path, part in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set all parameters and buffers. Everything is checked before anything is loaded.

        Dtypes stay. Raises ArgumentError for a name that is missing or unknown, ShapeError for a
        shape that differs, and DTypeError for anything but numbers.
        """
        if not isinstance(state, Mapping):
            raise DTypeError(f"state_dict: needs a dict of arrays, got {type(state).__name__}")
        own = self._state()
        for words, paths in (
            ("is missing", own.keys() - state),
            ("is unknown", state.keys() - own),
        ):
            if paths:
                path = min(paths, key=str)
                raise ArgumentError(f"state_dict: {path!r} {words}; nothing was loaded")
        new = {path: _fitted(path, state[path], part) for path, part in own.items()}
        for path, parameter in self.named_parameters():
            parameter.data = new[path]
        for path, buffer in self.named_buffers():
            buffer[...] = new[path]

    def _state(self) -> dict[str, np.ndarray]:
        """Return all parameters and buffers themselves, by path."""
        for module in self.modules():
            module._look_again()
        held = [(path, p.data) for path, p in self.named_parameters()]
        for path, buffer in self.named_buffers():
            if not buffer.flags.writeable:
                raise ArgumentError(
                    f"state_dict: the buffer {path!r} is read-only; set a copy of it"
                )
            held.append((path, buffer))
        state = dict(held)
        if len(state) < len(held):
            raise ArgumentError("state_dict: two parts have the same path; rename one")
        return state

    def _look_again(self) -> None:
        """Look into the lists and dicts again, since they change without telling their Module."""
        found = {}
        for name, value in parts.attributes(self).items():
            known = self._kinds.get(name, {})
            if "note" not in known.values():
                found[name] = known | parts.kinds_of(self, parts.walk(name, value), known)
        self._know(found)


_LOOKED_INTO = (Tensor, np.ndarray, Module, *parts.CONTAINERS)
_depth: ContextVar[int] = ContextVar("how many Modules call each other now", default=0)
DEEP = 100  # From this depth on, a RecursionError is blamed on the Modules.
_INSTEAD_OF_METHODS = {
    **dict.fromkeys(
        ("to", "cuda", "cpu"),
        "there is one device; a layer is made with its dtype, dtype=...",
    ),
    **dict.fromkeys(("float", "double", "half"), "a layer is made with its dtype, dtype=..."),
    **dict.fromkeys(("register_buffer", "register_parameter"), "write self.name = value"),
    **dict.fromkeys(("children", "named_modules", "named_children"), "modules() gives them all"),
    "requires_grad_": "an optimizer updates only the parameters that it is given",
    "apply": "write for module in model.modules(): ...",
    "add_module": "write self.name = module",
    "compile": "use lab.compiled.CompiledStep, or microbn.compile",
}


def _fitted(path: str, value: Any, part: np.ndarray) -> np.ndarray:
    """Return a value of a state dict as an array like the part that it is loaded into."""
    check_plain(value)
    try:
        new = np.array(value).astype(part.dtype, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise DTypeError(
            f"state_dict: {path!r} does not fit {part.dtype} ({error}); nothing was loaded"
        ) from error
    if new.shape != part.shape:
        raise ShapeError(
            f"state_dict: {path!r} has shape {new.shape}, expected {part.shape}; nothing was loaded"
        )
    return new


def _all(path: str, root: Any) -> Iterator[tuple[str, Any]]:
    return parts.walk(path, root, (Module, *parts.CONTAINERS))


def _release(name: str, held: Any, value: Any) -> None:
    """Unmark the parameters that others replace, so that an optimizer can tell."""
    if held is not None and held is not value:
        new = dict(_all(name, value))
        for path, p in _all(name, held):
            if parts.kind_of(p) == parts.kind_of(new.get(path)) == "parameter":
                p.role = "parameter" if new[path] is p else ""


def _adopt(inside: list[tuple[str, Any]]) -> None:
    """Mark the leaves as parameters, and name the parts that have no name after their paths."""
    for path, part in inside:
        if isinstance(part, (Tensor, Module)) and part.name is None:
            part.name = path
        if isinstance(part, Tensor) and part.function is None:
            part.role = "parameter"


def _lines(root: Module) -> Iterator[str]:
    """Yield the lines of a Module's repr. The Modules inside it follow it, indented."""
    seen: dict[int, str] = {}
    waiting: list[tuple[str, str, Any]] = [("", "", root)]
    while waiting:
        label, path, part = waiting.pop()
        kind = type(part).__name__
        if isinstance(part, str):
            yield part
        elif id(part) in seen:
            yield f"{label}the same {kind} as {seen[id(part)] or 'the whole'}"
        else:
            seen[id(part)] = path
            own = list(parts.walk("", parts.attributes(part)))
            facts = ", ".join(filter(None, (_fact(*pair) for pair in own)))
            below = [(where, one) for where, one in own if isinstance(one, Module)]
            margin = " " * (len(label) - len(label.lstrip()))
            yield f"{label}{kind}({facts}{'' if below else ')'}"
            dot = f"{path}." if path else ""
            waiting += [(f"{margin})", "", f"{margin})")] if below else []
            waiting += [(f"{margin}  {w}: ", f"{dot}{w}", one) for w, one in reversed(below)]


def _fact(path: str, part: Any) -> str:
    """Return a parameter with its shape, or a setting with its value; "" for anything else."""
    if parts.kind_of(part) == "parameter":
        return f"{path} {part.shape}"
    if path in ("name", "training") or path.startswith("_"):
        return ""
    if type(part) is int and part.bit_length() > 64:
        return f"{path}=..."
    return f"{path}={part!r:.40}" if type(part) in (bool, int, float, str, type(None)) else ""
