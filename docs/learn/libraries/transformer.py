"""A small block of a transformer in PyTorch: microbn step transformer.py:model."""

import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention

torch.manual_seed(0)


class Attention(nn.Module):
    """Each token looks at those before it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.q(x), self.k(x), self.v(x)
        mixed = scaled_dot_product_attention(query, key, value, is_causal=True)
        return mixed


class Transformer(nn.Module):
    """Attention and a hidden layer, each of which adds to what is there."""

    def __init__(self, tokens: int = 5, width: int = 4) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, width)
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        words = self.embedding(tokens)
        read = words + self.attention(self.norm_1(words))
        thought = read + self.down(gelu(self.up(self.norm_2(read))))
        logits = thought @ self.embedding.weight.T
        return logits


model = Transformer()
example_inputs = (torch.tensor([[0, 3, 1, 3]]),)
