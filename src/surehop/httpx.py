"""Surehop under httpx: `httpx.Client(transport=surehop.httpx.Transport(retries=3))`."""

from surehop.client.adapters.httpx import AsyncTransport, Transport

__all__ = ["AsyncTransport", "Transport"]
