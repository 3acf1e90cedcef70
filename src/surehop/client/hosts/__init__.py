"""Who turns the reactor: the caller's thread, asyncio's loop, or trio's."""
