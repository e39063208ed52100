from course.layers import scale_forward as the_same

from ..layers import *  # noqa: F403

assert the_same is scale_forward  # noqa: F405
