"""
The gradient nobody wrote
=========================

Batch norm is nine small operations, and each of them has a rule of a line or two. Look for the
two forks, x and x − μ: each is used twice, and its gradient is the sum of what comes back. That
is all there is to batch norm's backward, and no rule says it.
"""

# %%
# Batch norm of a few digits, recorded: the graph grows while NumPy computes.
from rich import print as show

from microbn import draw, story, sweep, trace
from microbn.lab import demo, tour
from microbn.lab.data import digits

args = demo.options()
with trace():  # remembers the lines of code too
    y = tour.batch_norm_on_digits(digits(seed=0), samples=4, features=2)
dy = tour.cotangent(y)

# %%
# The sweep walks back from y. Every node's gradient is complete before it sends anything on.
for step in sweep(y, dy):
    print(step)

# %%
# The same steps on a page: press → and see each message go, and add up at the forks.
stepper = story(y, dy, title="Batch norm of four digits")
if args.save:
    stepper.save(args.save / "gradient_emerges.html")
stepper

# %%
# Everything at once, drawn: the value of each node beside its gradient.
drawing = draw(y, dy, direction="TB")
if args.save:
    drawing.save(args.save / "gradient_emerges.svg")
drawing

# %%
# People derive this gradient by hand, stage by stage. Here is the difference, node by node.
rows = tour.agreement(y, dy)
show(tour.agreement_table(rows))
worst = max(row["staged"] for row in rows)
demo.verdict(worst <= 1e-12, f"emergent and staged differ by {worst:.1e} at most, node by node")
