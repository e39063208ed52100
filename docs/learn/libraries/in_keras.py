import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before Keras is imported

import jax
import keras
from keras import layers, ops

from given import batches, beta, dy, gamma, images, labels, x


# %% (a) a gradient
def batch_norm(x):
    centered = x - ops.mean(x, axis=0)
    std = ops.sqrt(ops.mean(ops.square(centered), axis=0) + 1e-5)
    return gamma * centered / std + beta


dx = jax.grad(lambda x: ops.sum(batch_norm(x) * dy))(x)  # JAX's: Keras has none

# %% (b) a net
net = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(32),
        layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
        layers.ReLU(),
        layers.Dense(10),
    ]
)
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
net.compile(keras.optimizers.SGD(learning_rate=0.1), cross_entropy)
loss = net.train_on_batch(images, labels)  # one step, with training=True
eval_loss = net.evaluate(images, labels, verbose=0)  # with training=False

# %% (c) a layer
layer = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
for batch in batches:
    y = layer(batch, training=True)
running_mean, running_var = layer.moving_mean, layer.moving_variance
