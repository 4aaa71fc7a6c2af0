"""Serves a handler, the user's Python class, over HTTP in one replica."""
