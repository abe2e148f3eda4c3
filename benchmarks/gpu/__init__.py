"""The recipes on a GPU."""
