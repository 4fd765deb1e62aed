"""Serving against FastAPI and Mosec: the same model and requests, every server loaded in turns, in short slices."""
