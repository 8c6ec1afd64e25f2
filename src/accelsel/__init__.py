"""The right PyTorch build for a machine, written into a uv project and kept there."""

__version__ = "0.1.0"
