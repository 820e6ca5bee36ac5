"""Learns which way, and how fast, textures move, from their events alone, and runs what it learned through a daemon.

A heterogeneous-delay network after Grimaldi and Perrinet (Biological Cybernetics, 2023): one kernel a motion, with a
weight for each polarity, delay and place, is learned from labelled streams by logistic regression. `stimulus` makes the
streams, `learning` the kernels, `detector` the network of them and a reference in NumPy, `scoring` what the daemon
decides. NumPy is all that it takes.

    python -m motion_kernels --help
"""
