"""nginx's configuration: text -> tree -> model. `load` reads a file, `loads` bytes."""

from surehop.conf.loading import load, loads
from surehop.conf.model import Model

__all__ = ["Model", "load", "loads"]
