"""A relay to put into any hop, which records who closed what, how, when, on which request."""

from surehop.lab.tap.command import main
from surehop.lab.tap.handle import Tap
from surehop.lab.tap.record import Connection, Ending, Exchange, How, Moment, Side, Try

__all__ = ["Connection", "Ending", "Exchange", "How", "Moment", "Side", "Tap", "Try", "main"]
