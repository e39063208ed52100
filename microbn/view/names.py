"""Pictures and stories call values by names in Greek, and no two values by the same one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ..engine.names import Local
from ..reading.assigned import names_of

GREEK = {
    "gamma": "γ", "beta": "β", "eps": "ε",
    "mean": "μ", "var": "σ²", "std": "σ", "x_hat": "x̂",
    "mu": "μ", "sigma": "σ", "xhat": "x̂", "alpha": "α", "delta": "δ", "epsilon": "ε",
    "theta": "θ", "lam": "λ", "rho": "ρ", "tau": "τ", "phi": "φ", "omega": "ω",
}  # fmt: skip
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def greek(name: str) -> str:
    """Return a name as pictures show it, on one line: ``x̂`` for x_hat, ``dσ²`` for d_var."""
    name = " ".join(name.split())
    if name.startswith("d_"):
        return "d" + greek(name[2:])
    # A number below tells values apart, and scalars() names its entries x_hat[0, 1].
    word, rest = re.fullmatch(r"(.*?)([₀-₉]*(?:\[.*)?)", name, re.DOTALL).groups()  # type: ignore[union-attr]
    return GREEK.get(word, word) + rest


def distinct_names(tape: Sequence) -> dict[int, str]:
    """Map the number of each node of a graph to its name, "" if it has none.

    Values that one variable holds, one after another, are told apart by a number: h₁, h₂, h₃. So
    are those that microbn's own code named alike. A name that the user gave stays as it is, and so
    does that of a parameter.
    """
    names, taken = names_of(tape), set()
    alike: dict[str, list[Any]] = defaultdict(list)
    for node in tape:
        word = greek(names[node.number])
        if _is_given(node):
            taken.add(word)
        elif word:
            alike[word].append(node)
    for word, nodes in alike.items():
        if len(nodes) == 1 and word not in taken:
            continue
        if all(node.role == "gradient" for node in nodes):  # made from the last value to the first
            if len(nodes) != len(alike.get(word[1:], ())):
                continue
            nodes = nodes[::-1]
        for i, node in enumerate(nodes, 1):
            word, bracket, index = names[node.number].partition("[")
            names[node.number] = word + str(i).translate(_BELOW) + bracket + index
    return names


def _is_given(node: Any) -> bool:
    """Return whether the user gave a node its name, or a Module did."""
    name = node.record.name
    own = name is not None and type(name) is not Local and node.role != "gradient"
    return own or node.role == "parameter"
