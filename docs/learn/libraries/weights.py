"""A net trained in PyTorch, loaded into microbn, and back."""

import numpy as np
import torch

from microbn import nn, no_grad

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
images, labels = torch.randn(256, 64), torch.randint(10, (256,))
torch_net = torch.nn.Sequential(
    torch.nn.Linear(64, 32), torch.nn.BatchNorm1d(32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
)
optimizer = torch.optim.SGD(torch_net.parameters(), lr=0.1)
for i in range(0, 256, 32):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(torch_net(images[i : i + 32]), labels[i : i + 32]).backward()
    optimizer.step()

net = nn.Sequential(nn.Linear(64, 32, rng=0), nn.BatchNorm(32), nn.ReLU(), nn.Linear(32, 10, rng=1))

# %% From PyTorch: our name for each of theirs. Weights are transposed; .T leaves vectors alone.
names = {name: f"layers.{name}" for name in torch_net.state_dict()}
names |= {"1.weight": "layers.1.gamma", "1.bias": "layers.1.beta"}
state = torch_net.state_dict()
net.load_state_dict({ours: state[theirs].numpy().T for theirs, ours in names.items()})

# %% And back.
state = net.state_dict()
torch_net.load_state_dict({theirs: torch.tensor(state[ours].T) for theirs, ours in names.items()})

# %% The same logits, in evaluation.
net.eval()
torch_net.eval()
with no_grad(), torch.no_grad():
    apart = np.abs(net(images.numpy()).data - torch_net(images).numpy()).max()
print(f"{apart:.1e}")
