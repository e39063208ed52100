"""Module, the layers and the norms, and the initial weights `he` and `xavier`."""

from __future__ import annotations

from typing import Any

from ..arguments import not_here
from ..errors import listed
from .layers import AvgPool2d as AvgPool2d
from .layers import Conv2d as Conv2d
from .layers import Dropout as Dropout
from .layers import Flatten as Flatten
from .layers import Linear as Linear
from .layers import MaxPool2d as MaxPool2d
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
    """Say what to write instead of a layer that only PyTorch has, or where a name is."""
    layers = (k for k, v in globals().items() if isinstance(v, type) and issubclass(v, Module))
    others = f"it has {listed(sorted(layers))}; write others as subclasses of Module"
    raise not_here(__name__, name, INSTEAD_OF_LAYERS, others)


INSTEAD_OF_LAYERS = {
    **dict.fromkeys(
        ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
        "nn.BatchNorm is for (N, C), (N, C, L), (N, C, H, W) and more axes",
    ),
    **dict.fromkeys(("ModuleList", "ParameterList"), "a Module finds what is in a list"),
    **dict.fromkeys(("ModuleDict", "ParameterDict"), "a Module finds what is in a dict"),
    "CrossEntropyLoss": "write microbn.functional.cross_entropy(logits, targets)",
    "MSELoss": "write microbn.functional.mse(prediction, target)",
    "Softmax": "write microbn.functional.softmax(x)",
    "LogSoftmax": "write microbn.functional.log_softmax(x)",
    "Parameter": "a Tensor becomes a parameter when a Module's attribute is set to it",
    "init": "write Linear(..., init=nn.he), or nn.xavier",
}
