"""The demo: incidents 1 and 3, as nginx has them and as Surehop has them."""

from surehop.lab.demo.command import main

__all__ = ["main"]
