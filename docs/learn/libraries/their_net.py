"""A net of PyTorch's that the stepper tells: microbn step their_net.py:model."""

import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    """A hidden layer that is added to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(width, width), nn.BatchNorm1d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.norm(self.linear(x)))
        return x + hidden


model = nn.Sequential(nn.Linear(3, 4), Block(4), nn.Linear(4, 2))
example_inputs = (torch.randn(5, 3),)
