"""The columns of every table that crosses a room."""
