"""Surehop under requests: `session.mount("http://", surehop.requests.Adapter(retries=3))`."""

from surehop.client.adapters.requests import Adapter

__all__ = ["Adapter"]
