#!/usr/bin/env bash
# TensorFlow 2.21.0: a gradient that is NaN throughout passes the check which the documentation of
# tf.test.compute_gradient shows. compute_gradient gives NaN for both gradients and says nothing, and
# assertAllClose takes NaN for equal to NaN.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q tensorflow==2.21.0
"$room/venv/bin/python" - > "$room/seen" <<'PY'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf


@tf.custom_gradient
def lost(x):
    return x * float("nan"), lambda g: g * float("nan")


claimed, numeric = tf.test.compute_gradient(lost, [tf.constant([1.0, 2.0], tf.float64)])
tf.test.TestCase().assertAllClose(claimed, numeric)
print("passes", claimed[0].tolist(), numeric[0].tolist())
PY
diff "$room/seen" - <<'SEEN'
passes [[nan, nan], [nan, nan]] [[nan, nan], [nan, nan]]
SEEN
echo "as seen: two gradients of NaN pass for close to each other"
