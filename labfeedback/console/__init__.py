"""The operator's window: a process of its own that shows and asks, and owns nothing."""
