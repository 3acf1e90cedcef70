"""Surehop makes HTTP hops hold: proxy, client, doctor and lab on one engine."""

from importlib.metadata import version as _version

__version__ = _version("surehop")
