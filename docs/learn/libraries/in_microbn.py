import numpy as np

from given import batches, beta, dy, gamma, images, labels, rng, x
from microbn import Tensor, functional, nn, no_grad, optim

# %% (a) a gradient
x = Tensor(x)
centered = x - np.mean(x, axis=0)
std = np.sqrt(np.mean(np.square(centered), axis=0) + 1e-5)
y = gamma * centered / std + beta
y.backward(dy)
dx = x.grad

# %% (b) a net
net = nn.Sequential(
    nn.Linear(64, 32, rng=rng), nn.BatchNorm(32), nn.ReLU(), nn.Linear(32, 10, rng=rng)
)
optimizer = optim.SGD(net.parameters(), lr=0.1)
optimizer.zero_grad()
loss = functional.cross_entropy(net(images), labels)
loss.backward()
optimizer.step()
net.eval()
with no_grad():
    eval_loss = functional.cross_entropy(net(images), labels)

# %% (c) a layer
layer = nn.BatchNorm(3, eps=1e-5, momentum=0.1)
for batch in batches:
    y = layer(batch)
running_mean, running_var = layer.running_mean, layer.running_var
