#!/usr/bin/env bash
# Equinox 0.13.8: BatchNorm(mode="batch") keeps a running mean that begins with 0 and a running
# variance that begins with 1. Evaluation divides both by 1 - momentum**batches, which takes the start
# off only if it was 0. So after one batch the variance is that of the batch and 99 more, and the
# outputs have a tenth of the deviation that they had in training; after 100 batches it is four fifths.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q jax==0.10.2 equinox==0.13.8
"$room/venv/bin/python" - > "$room/seen" <<'PY'
import equinox as eqx
import jax
import jax.numpy as jnp

layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="batch")
x = jnp.array([[1.0], [-1.0]])  # mean 0, variance 1


def call(state, inference):
    def one(sample):
        return layer(sample, state, inference=inference)

    return jax.vmap(one, axis_name="batch", out_axes=(0, None))(x)


for batches in range(1, 1001):
    trained, state = call(state, False)
    if batches in (1, 10, 100, 1000):
        evaluated, _ = call(state, True)
        print(f"{batches}: {float(trained[0, 0]):.2f} in training, {float(evaluated[0, 0]):.2f} after")
PY
diff "$room/seen" - <<'SEEN'
1: 1.00 in training, 0.10 after
10: 1.00 in training, 0.31 after
100: 1.00 in training, 0.80 after
1000: 1.00 in training, 1.00 after
SEEN
echo "as seen: the variance of a constant stream of batches is too large for hundreds of batches"
