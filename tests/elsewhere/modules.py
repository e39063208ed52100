"""Modules of PyTorch, each with inputs: what `from_torch` must be able to read."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F


def sequential(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """A block that adds what it computes to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(width, width), nn.BatchNorm1d(width)

    def forward(self, x):
        hidden = self.norm(self.linear(x))
        return x + torch.relu(hidden)


class Attention(nn.Module):
    """Scaled dot-product attention of a sequence to itself."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.q, self.k, self.v = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.causal = causal

    def forward(self, x):
        return F.scaled_dot_product_attention(
            self.q(x), self.k(x), self.v(x), is_causal=self.causal
        )


class Loss(nn.Module):
    """A loss of a linear layer."""

    def __init__(self, loss: Callable, width: int) -> None:
        super().__init__()
        self.linear, self.loss = nn.Linear(4, width), loss

    def forward(self, x, target):
        return self.loss(self.linear(x), target)


class Pieces(nn.Module):
    """Slices, joins, a gradient that is stopped, and a constant."""

    def forward(self, x):
        left, right = x[:, :2], x[:, 2:].detach()
        joined = torch.cat([left * right, x.roll(1, 0)[:, ::2].flip(1)], dim=1)
        where = torch.where(joined > 0, joined, 0.1 * joined)
        return where.transpose(0, 1).cumsum(0) ** 3 / torch.tensor(3.0)


class Unrolled(nn.Module):
    """Two cells that are called at each place of a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer, self.head = nn.GRUCell(3, 4), nn.LSTMCell(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        h = x.new_zeros(len(x), 4)
        state, found = None, []
        for i in range(x.shape[1]):
            h = self.inner(x[:, i], h)
            state = self.outer(h, state)
            found.append(self.head(state[0]))
        return torch.stack(found, dim=1)


class VisionTransformer(nn.Module):
    """A transformer over the patches of an image, with a token of its own for the class."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.block = nn.Conv2d(1, 4, 2, stride=2), Encoder()
        self.token, self.places = (nn.Parameter(torch.zeros(1, n, 4)) for n in (1, 5))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        patches = self.patches(x).flatten(2).transpose(1, 2)
        token = self.token.expand(len(x), -1, -1)
        return self.head(self.block(torch.cat([token, patches], dim=1) + self.places)[:, 0])


class Encoder(nn.Module):
    """A block of a transformer that normalizes first."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.middle = nn.LayerNorm(4), nn.LayerNorm(4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.mlp = sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4))

    def forward(self, x):
        y = self.before(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.middle(x))


class UNet(nn.Module):
    """A path that goes down and up again, and one beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.left = sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU())
        self.down = sequential(nn.MaxPool2d(2), nn.Conv2d(2, 3, 3, padding=1), nn.Tanh())
        self.up, self.out = nn.ConvTranspose2d(3, 2, 2, stride=2), nn.Conv2d(4, 1, 1)

    def forward(self, x):
        left = self.left(x)
        up = self.up(self.down(left))
        return self.out(torch.cat([left, F.pad(up, [0, 1, 0, 1])], dim=1))


class GPT(nn.Module):
    """A block with a causal mask. Embedding and output share their weight."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(7, 4), nn.Embedding(5, 4)
        self.before, self.middle, self.after = (nn.LayerNorm(4) for _ in range(3))
        self.qkv, self.joined, self.head = nn.Linear(4, 12), nn.Linear(4, 4), nn.Linear(4, 7)
        self.mlp = sequential(nn.Linear(4, 8), nn.GELU(approximate="tanh"), nn.Linear(8, 4))
        self.register_buffer("mask", torch.tril(torch.ones(5, 5)))
        self.head.weight = self.tokens.weight

    def forward(self, index, targets=None):
        n, t = index.shape
        x = self.tokens(index) + self.places(torch.arange(t))
        parts = self.qkv(self.before(x)).split(4, dim=2)
        q, k, v = (part.view(n, t, 2, 2).transpose(1, 2) for part in parts)
        weights = (q @ k.transpose(-2, -1)) / 2**0.5
        weights = weights.masked_fill(self.mask[:t, :t] == 0, float("-inf")).softmax(-1)
        x = x + self.joined((weights @ v).transpose(1, 2).contiguous().view(n, t, 4))
        logits = self.head(self.after(x + self.mlp(self.middle(x))))
        return F.cross_entropy(logits.view(-1, 7), targets.view(-1), ignore_index=-1)


class Tied(nn.Module):
    """Two uses of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(torch.tanh(self.first(x)))


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64)


LABELS = torch.tensor([0, 2, 1, 1, 0])


# Each entry makes a module and its inputs, anew at each call.
MODULES: dict[str, Callable] = {
    "Linear": lambda: (nn.Linear(4, 3), normal(5, 4)),
    "Linear of a sequence, no bias": lambda: (nn.Linear(4, 3, bias=False), normal(2, 5, 4)),
    "Conv1d, stride 2": lambda: (nn.Conv1d(2, 3, 3, stride=2, padding=1), normal(2, 2, 7)),
    "Conv2d": lambda: (nn.Conv2d(2, 4, 3, padding=1), normal(2, 2, 6, 6)),
    "Conv2d, groups, dilated, oblong": lambda: (
        nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 2), dilation=2, groups=2),
        normal(2, 2, 7, 6),
    ),
    "Conv3d": lambda: (nn.Conv3d(1, 2, 2), normal(2, 1, 3, 3, 3)),
    "ConvTranspose1d": lambda: (nn.ConvTranspose1d(2, 3, 3), normal(2, 2, 4)),
    "ConvTranspose2d, stride 2": lambda: (nn.ConvTranspose2d(2, 3, 2, 2), normal(2, 2, 3, 4)),
    "ConvTranspose2d, groups, dilated, oblong": lambda: (
        nn.ConvTranspose2d(4, 2, (3, 2), (2, 3), (1, 0), (1, 0), groups=2, dilation=(1, 2)),
        normal(2, 4, 3, 4),
    ),
    "ConvTranspose2d, cut": lambda: (nn.ConvTranspose2d(1, 1, 2, padding=2), normal(2, 1, 5, 5)),
    "MaxPool1d": lambda: (nn.MaxPool1d(3, stride=2, padding=1), normal(2, 2, 7)),
    "MaxPool2d": lambda: (nn.MaxPool2d(2), normal(2, 2, 6, 6)),
    "MaxPool3d": lambda: (nn.MaxPool3d((1, 2, 2)), normal(1, 2, 2, 4, 4)),
    "AdaptiveMaxPool2d": lambda: (nn.AdaptiveMaxPool2d((2, 3)), normal(2, 2, 5, 7)),
    "AvgPool1d": lambda: (nn.AvgPool1d(2), normal(2, 2, 6)),
    "AvgPool2d, padded": lambda: (
        nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
        normal(2, 2, 6, 6),
    ),
    "AvgPool3d": lambda: (nn.AvgPool3d(2), normal(1, 2, 2, 4, 4)),
    "AdaptiveAvgPool3d": lambda: (nn.AdaptiveAvgPool3d((1, 2, 2)), normal(1, 2, 2, 3, 4)),
    "AdaptiveAvgPool2d": lambda: (nn.AdaptiveAvgPool2d(1), normal(2, 3, 5, 6)),
    "AdaptiveAvgPool2d, uneven": lambda: (nn.AdaptiveAvgPool2d((2, 3)), normal(2, 2, 5, 7)),
    "BatchNorm1d": lambda: (nn.BatchNorm1d(3), normal(5, 3)),
    "BatchNorm1d, evaluated": lambda: (nn.BatchNorm1d(3).eval(), normal(5, 3)),
    "BatchNorm1d, no statistics": lambda: (
        nn.BatchNorm1d(3, affine=False, track_running_stats=False),
        normal(5, 3),
    ),
    "BatchNorm1d, cumulative average": lambda: (
        sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, momentum=None)),
        normal(5, 4),
    ),
    "BatchNorm2d": lambda: (nn.BatchNorm2d(3, momentum=0.3), normal(4, 3, 2, 2)),
    "BatchNorm3d": lambda: (nn.BatchNorm3d(2), normal(3, 2, 2, 2, 2)),
    "LayerNorm": lambda: (nn.LayerNorm((2, 3)), normal(5, 2, 3)),
    "GroupNorm": lambda: (nn.GroupNorm(2, 4), normal(3, 4, 3)),
    "InstanceNorm1d": lambda: (nn.InstanceNorm1d(4), normal(3, 4, 3)),
    "RMSNorm": lambda: (nn.RMSNorm(4), normal(5, 4)),
    "Embedding": lambda: (nn.Embedding(7, 3), torch.tensor([[1, 2, 1], [3, 6, 1]])),
    "ReLU": lambda: (nn.ReLU(), normal(5, 4)),
    "Tanh": lambda: (nn.Tanh(), normal(5, 4)),
    "Sigmoid": lambda: (nn.Sigmoid(), normal(5, 4)),
    "GELU": lambda: (nn.GELU(), normal(5, 4)),
    "GELU by tanh": lambda: (nn.GELU(approximate="tanh"), normal(5, 4)),
    "SiLU": lambda: (nn.SiLU(), normal(5, 4)),
    "ELU": lambda: (nn.ELU(0.7), normal(5, 4)),
    "SELU": lambda: (nn.SELU(), normal(5, 4)),
    "LeakyReLU": lambda: (nn.LeakyReLU(0.2), normal(5, 4)),
    "PReLU": lambda: (nn.PReLU(4), normal(5, 4)),
    "Softplus": lambda: (nn.Softplus(beta=2.0), normal(5, 4)),
    "Mish": lambda: (nn.Mish(), normal(5, 4)),
    "Hardtanh": lambda: (nn.Hardtanh(), normal(5, 4)),
    "Hardswish": lambda: (nn.Hardswish(), normal(5, 4)),
    "ReLU6": lambda: (nn.ReLU6(), normal(5, 4)),
    "Upsample": lambda: (nn.Upsample(scale_factor=2), normal(2, 1, 3, 3)),
    "Upsample, bilinear": lambda: (
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        normal(2, 1, 3, 3),
    ),
    "LogSigmoid": lambda: (nn.LogSigmoid(), normal(5, 4)),
    "GLU": lambda: (nn.GLU(), normal(5, 4)),
    "Softmax": lambda: (nn.Softmax(dim=0), normal(5, 4)),
    "LogSoftmax": lambda: (nn.LogSoftmax(dim=-1), normal(5, 4)),
    "Dropout, evaluated": lambda: (sequential(nn.Dropout(), nn.Tanh()).eval(), normal(5, 4)),
    "cross entropy": lambda: (Loss(F.cross_entropy, 3), normal(5, 4), LABELS),
    "cross entropy, smoothed": lambda: (
        Loss(nn.CrossEntropyLoss(label_smoothing=0.1), 3),
        normal(5, 4),
        LABELS,
    ),
    "mean squared error": lambda: (Loss(F.mse_loss, 3), normal(5, 4), normal(5, 3)),
    "smooth L1": lambda: (Loss(F.smooth_l1_loss, 3), normal(5, 4), normal(5, 3)),
    "cross entropy of two classes": lambda: (
        Loss(F.binary_cross_entropy_with_logits, 3),
        normal(5, 4),
        torch.rand(5, 3, dtype=torch.float64),
    ),
    "attention": lambda: (Attention(causal=False), normal(2, 5, 4)),
    "attention, causal": lambda: (Attention(causal=True), normal(2, 5, 4)),
    "MultiheadAttention": lambda: (
        nn.MultiheadAttention(4, 2, batch_first=True),
        normal(2, 5, 4),
        normal(2, 3, 4),
        normal(2, 3, 4),
    ),
    "LSTMCell": lambda: (nn.LSTMCell(3, 4), normal(2, 3), (normal(2, 4), normal(2, 4))),
    "GRUCell": lambda: (nn.GRUCell(3, 4), normal(2, 3)),
    "LSTM": lambda: (nn.LSTM(3, 2, batch_first=True), normal(2, 3, 3)),
    "TransformerEncoderLayer": lambda: (
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True),
        normal(2, 5, 4),
    ),
    "residual net": lambda: (sequential(Residual(4), Residual(4), nn.Linear(4, 2)), normal(5, 4)),
    "convolutional net": lambda: (
        sequential(
            *(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.GELU(), nn.AvgPool2d(2)),
            *(nn.Flatten(), nn.Linear(3, 2)),
        ),
        normal(4, 1, 8, 8),
    ),
    "cells, unrolled": lambda: (Unrolled(), normal(2, 3, 3)),
    "U-Net": lambda: (UNet(), normal(2, 1, 5, 5)),
    "GPT": lambda: (GPT(), torch.randint(7, (2, 5)), torch.tensor([[1, 2, 3, -1, 0]] * 2)),
    "vision transformer": lambda: (VisionTransformer(), normal(2, 1, 4, 4)),
    "one weight, used twice": lambda: (Tied(), normal(5, 4)),
    "pieces of arrays": lambda: (Pieces(), normal(5, 4)),
}


def made(name: str) -> tuple[nn.Module, tuple]:
    """Make a module in float64, with weights of its own, and its inputs."""
    torch.manual_seed(0)
    module, *inputs = MODULES[name]()
    for parameter in module.parameters():
        nn.init.normal_(parameter, 0.3, 0.5)
    return module.double(), tuple(inputs)
