"""Layers, Module and the norms, and how weights begin."""

from __future__ import annotations

from typing import Any

from ..errors import listed
from .layers import Dropout as Dropout
from .layers import Linear as Linear
from .layers import ReLU as ReLU
from .layers import Sequential as Sequential
from .layers import Sigmoid as Sigmoid
from .layers import Tanh as Tanh
from .layers import he as he
from .layers import xavier as xavier
from .module import Module as Module
from .norms import BatchNorm as BatchNorm
from .norms import GhostBatchNorm as GhostBatchNorm
from .norms import GroupNorm as GroupNorm
from .norms import LayerNorm as LayerNorm


def __getattr__(name: str) -> Any:
    """Say what stands in the place of PyTorch's layers that have other names, or none."""
    instead = _INSTEAD.get(name)
    if instead is None:
        found = (k for k, v in globals().items() if isinstance(v, type) and issubclass(v, Module))
        instead = f"it has {listed(sorted(found))}; write others as subclasses of Module"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; {instead}")


_INSTEAD = {
    **dict.fromkeys(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
        "nn.BatchNorm is for (N, C), (N, C, L), (N, C, H, W) and more axes",
    ),
    **dict.fromkeys(("ModuleList", "ParameterList"), "a list as an attribute is looked into"),
    **dict.fromkeys(("ModuleDict", "ParameterDict"), "a dict as an attribute is looked into"),
    "CrossEntropyLoss": "write microbn.functional.cross_entropy(logits, targets)",
    "MSELoss": "write microbn.functional.mse(prediction, target)",
    "Softmax": "write microbn.functional.softmax(x)",
    "LogSoftmax": "write microbn.functional.log_softmax(x)",
    "Parameter": "a Tensor that is set as a Module's attribute is a parameter",
    "functional": "it is microbn.functional",
    "init": "write Linear(..., init=nn.he), or nn.xavier",
}
