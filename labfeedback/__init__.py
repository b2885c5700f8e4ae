"""Real-time gait biofeedback for a treadmill lab. Research use, not a medical device, not for diagnosis."""

from labfeedback.fingerprint import use_own_kernel_cache

__version__ = "0.1.0"

# numba does not notice edits in *other* files, so each state of the kernels gets a cache folder of its own.
use_own_kernel_cache()
