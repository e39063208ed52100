"""A net's weights on disk, by safetensors, and back."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from safetensors.numpy import load_file, save_file

from microbn import nn, no_grad

folder = TemporaryDirectory()
path = Path(folder.name) / "net.safetensors"


def made(seed):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(64, 32, rng=rng), nn.BatchNorm(32), nn.ReLU(), nn.Linear(32, 10, rng=rng)
    )


net, x = made(seed=0), np.random.default_rng(0).normal(size=(8, 64))
net(x)  # batch norm has seen a batch

# %% Out: the parameters and the buffers, by their paths.
save_file(net.state_dict(), path)

# %% And in, to a net that is made like the first.
other = made(seed=1)
other.load_state_dict(load_file(path))

# %% The same logits, in evaluation, and the same statistics.
net.eval()
other.eval()
with no_grad():
    apart = np.abs(net(x).data - other(x).data).max()
print(f"{apart:.1e}", other.layers[1].num_batches_tracked)
folder.cleanup()
