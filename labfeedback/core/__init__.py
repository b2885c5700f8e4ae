"""Numba kernels: arrays in, arrays out. No clock, file, socket, class or randomness.

Each kernel is compiled when it is imported, for the one signature it names, and the same source run by plain Python
gives the same bits (tests/test_law4_compiled_equals_python.py).
"""
