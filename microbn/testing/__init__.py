"""Property tests of gradients: a checker, strategies, random programs.

``strategies`` and ``given_gradients`` need Hypothesis, and load it when they are first used.
"""

from .differences import Slopes as Slopes
from .differences import numeric_vjp as numeric_vjp
from .differences import slopes as slopes
from .gradcheck import assert_gradients as assert_gradients
from .gradcheck import gradcheck as gradcheck
from .replay import replay as replay
from .report import Compared as Compared
from .report import Report as Report
from .report import Suspect as Suspect
from .subjects import HandWritten as HandWritten
