"""One module per command of the command line; imported only when the command is called."""
