"""The pool in simulated time: its own scripts under loads that no test machine could carry.

`python -m yivideo.gpu.simulator` compares the pool with other policies on the same load.
"""
