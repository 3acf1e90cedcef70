"""Clients that are measured: real programs, each in a process of its own, asked alike."""

from surehop.lab.clients.catalogue import CLIENTS, Client, ClientError, find_clients
from surehop.lab.clients.lanes import Lane, Outcome, read_outcome
from surehop.lab.clients.process import ClientProcess

__all__ = [
    "CLIENTS",
    "Client",
    "ClientError",
    "ClientProcess",
    "Lane",
    "Outcome",
    "find_clients",
    "read_outcome",
]
