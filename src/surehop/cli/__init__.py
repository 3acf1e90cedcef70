"""The command line: arguments and printing, nothing else."""

from surehop.cli.main import main, nginx_main

__all__ = ["main", "nginx_main"]
