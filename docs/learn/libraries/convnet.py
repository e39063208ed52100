"""A convolutional net of four layers in PyTorch: microbn step convnet.py:model."""

import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    """A convolution, a batch norm and a relu."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(self.conv(x))
        return torch.relu(hidden)


class ConvNet(nn.Module):
    """Three blocks, with a pooling after each, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.edges, self.corners, self.shapes = Block(1, 2), Block(2, 3), Block(3, 4)
        self.pool, self.head = nn.MaxPool2d(2), nn.Linear(4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        edges = self.pool(self.edges(images))
        corners = self.pool(self.corners(edges))
        shapes = self.pool(self.shapes(corners)).flatten(1)
        logits = self.head(shapes)
        return logits


model = ConvNet()
example_inputs = (torch.randn(4, 1, 8, 8),)
