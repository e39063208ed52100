import jax
import jax.numpy as jnp
import optax
from flax import nnx

from given import batches, beta, dy, gamma, images, labels, x


# %% (a) a gradient
def batch_norm(x):
    centered = x - jnp.mean(x, axis=0)
    std = jnp.sqrt(jnp.mean(jnp.square(centered), axis=0) + 1e-5)
    return gamma * centered / std + beta


dx = jax.grad(lambda x: jnp.sum(batch_norm(x) * dy))(x)

# %% (b) a net
rngs = nnx.Rngs(0)
net = nnx.Sequential(
    nnx.Linear(64, 32, rngs=rngs),
    nnx.BatchNorm(32, momentum=0.9, rngs=rngs),
    nnx.relu,
    nnx.Linear(32, 10, rngs=rngs),
)
optimizer = nnx.Optimizer(net, optax.sgd(0.1), wrt=nnx.Param)


def cross_entropy(net):
    return optax.softmax_cross_entropy_with_integer_labels(net(images), labels).mean()


loss, grads = nnx.value_and_grad(cross_entropy)(net)
optimizer.update(net, grads)
net.eval()
eval_loss = cross_entropy(net)

# %% (c) a layer
layer = nnx.BatchNorm(3, momentum=0.9, epsilon=1e-5, rngs=nnx.Rngs(0))
for batch in batches:
    y = layer(batch)
running_mean, running_var = layer.mean[...], layer.var[...]
