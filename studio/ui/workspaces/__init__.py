"""The seven workspaces of the window, one module each."""
