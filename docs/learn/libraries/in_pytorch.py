import torch
from torch import nn

import given

torch.set_default_dtype(torch.float64)
x, gamma, beta, dy, images, labels, batches = (
    torch.tensor(getattr(given, name))
    for name in ("x", "gamma", "beta", "dy", "images", "labels", "batches")
)

# %% (a) a gradient
x.requires_grad_()
centered = x - x.mean(dim=0)
std = torch.sqrt(centered.square().mean(dim=0) + 1e-5)
y = gamma * centered / std + beta
y.backward(dy)
dx = x.grad

# %% (b) a net
net = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
optimizer.zero_grad()
loss = nn.functional.cross_entropy(net(images), labels)
loss.backward()
optimizer.step()
net.eval()
with torch.no_grad():
    eval_loss = nn.functional.cross_entropy(net(images), labels)

# %% (c) a layer
layer = nn.BatchNorm1d(3, eps=1e-5, momentum=0.1)
for batch in batches:
    y = layer(batch)
running_mean, running_var = layer.running_mean, layer.running_var
