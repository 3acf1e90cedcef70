"""The proxy's control plane: checks, starts, watches and stops the data process."""

from surehop.proxy.control import Options, check, run

__all__ = ["Options", "check", "run"]
