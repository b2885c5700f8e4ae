"""The patient's screen: a pure scene, a pure painting, and a window in a process of its own."""
