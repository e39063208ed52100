"""A page with Python in it: the engine, the checker and the stepper without an installation.

`building` writes the page, `distribution` says where its Python comes from, and `exercises` which
exercises it has. `inside`, `blocks` and `depth` run in the page itself.
"""
