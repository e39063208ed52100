"""The laboratory of the demos: data, training, grids of runs, figures and claims."""
