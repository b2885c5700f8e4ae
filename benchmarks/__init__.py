"""What the program costs: kernels and replay under pytest-benchmark, the whole chain's latency as a program."""
