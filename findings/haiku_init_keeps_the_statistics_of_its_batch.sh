#!/usr/bin/env bash
# Haiku 0.0.17: hk.BatchNorm has the statistics of the batch that init was given, before any training,
# though its counter is 0. A batch of zeros is usual there, for its shape alone. Then the variance is 0,
# and evaluation multiplies its input by 1 / sqrt(eps), which is 316; other batches, other outputs. The
# first batch of training replaces the statistics.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q jax==0.10.2 dm-haiku==0.0.17
"$room/venv/bin/python" - > "$room/seen" <<'PY'
import haiku as hk
import jax
import jax.numpy as jnp

net = hk.transform_with_state(
    lambda x, training: hk.BatchNorm(True, True, decay_rate=0.9)(x, training)
)
x = jnp.array([[1.0], [2.0]])
for shown in (jnp.zeros((2, 1)), jnp.array([[0.0], [4.0]])):
    parameters, state = net.init(jax.random.key(0), shown, True)
    y, _ = net.apply(parameters, state, None, x, False)
    var = state["batch_norm/~/var_ema"]
    found = [round(float(entry), 2) for entry in y.ravel()]
    print(shown.ravel().tolist(), float(var["average"][0, 0]), int(var["counter"]), found)
PY
diff "$room/seen" - <<'SEEN'
[0.0, 0.0] 0.0 0 [316.23, 632.46]
[0.0, 4.0] 4.0 0 [-0.5, 0.0]
SEEN
echo "as seen: an untrained layer evaluates with the batch of init"
