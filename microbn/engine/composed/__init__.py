"""These rooms say how NumPy's functions are made of functions that have a rule.

The rooms are loaded when the first of these functions is called with a Tensor. Each of them fills
COMPOSED.
"""

from . import (
    differences,  # noqa: F401
    einsum,  # noqa: F401
    entrywise,  # noqa: F401
    joins,  # noqa: F401
    linear_algebra,  # noqa: F401
    nans,  # noqa: F401
    order,  # noqa: F401
    padding,  # noqa: F401
    places,  # noqa: F401
    polynomials,  # noqa: F401
    products,  # noqa: F401
    ranges,  # noqa: F401
    selections,  # noqa: F401
    sizes,  # noqa: F401
    statistics,  # noqa: F401
)
from .joins import JOINS as JOINS
from .refused import REFUSED as REFUSED
from .refused import unruled as unruled
from .table import COMPOSED as COMPOSED
from .table import call_composed as call_composed
from .table import check_arguments as check_arguments
