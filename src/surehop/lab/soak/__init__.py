"""A soak: mixed load over changes and faults for as long as one likes, and its verdict."""

from surehop.lab.soak.command import main

__all__ = ["main"]
