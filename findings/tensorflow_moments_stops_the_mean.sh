#!/usr/bin/env bash
# TensorFlow 2.21.0: tf.nn.moments puts a stop_gradient around the mean inside of its variance. The
# first derivative does not change, as the deviations sum to 0, but the second does: the mean's share
# is missing, and no error is raised. tf.math.reduce_variance is right. Keras 3.15 normalizes with
# tf.nn.moments on this backend, so a gradient penalty through its BatchNormalization is wrong too.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q tensorflow==2.21.0
"$room/venv/bin/python" - > "$room/seen" <<'PY'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf


def second(variance):
    x = tf.Variable([0.0, 4.0, 2.0, 2.0])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = variance(x)
        slope = inner.gradient(y, x)
    return [*map(float, slope)], [*map(float, outer.jacobian(slope, x)[0])]


print("tf.nn.moments", *second(lambda x: tf.nn.moments(x, 0)[1]))
print("tf.math.reduce_variance", *second(tf.math.reduce_variance))
PY
diff "$room/seen" - <<'SEEN'
tf.nn.moments [-1.0, 1.0, 0.0, 0.0] [0.5, 0.0, 0.0, 0.0]
tf.math.reduce_variance [-1.0, 1.0, 0.0, 0.0] [0.375, -0.125, -0.125, -0.125]
SEEN
echo "as seen: one gradient, two second derivatives, and only one of these is right"
