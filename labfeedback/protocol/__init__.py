"""What is trained, sans I/O: targets, bands and cues out of steps. Reads no clock."""
