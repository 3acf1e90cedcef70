"""Requests through an `Auth`: it sees each response, and says what is asked next."""

from collections.abc import Awaitable, Callable

from surehop.client.auth import Auth
from surehop.client.request import Request
from surehop.client.response import Response

Send = Callable[[Request, list[Response]], Awaitable[Response]]


async def through_sync(auth: Auth, request: Request, send: Send) -> Response:
    """Run the flow of `auth`, whose steps are plain; `send` gets the responses before, too."""
    flow = auth.sync_auth_flow(request)
    history: list[Response] = []
    try:
        request = next(flow)
        while True:
            response = await send(request, history)
            try:
                request = flow.send(response)
            except StopIteration:
                return response
            except BaseException:
                response.close()
                raise
            response.read()
            history = [*history, response]
    finally:
        flow.close()


async def through_async(auth: Auth, request: Request, send: Send) -> Response:
    """Run the flow of `auth`, whose steps are coroutines."""
    flow = auth.async_auth_flow(request)
    history: list[Response] = []
    try:
        request = await anext(flow)
        while True:
            response = await send(request, history)
            try:
                request = await flow.asend(response)
            except StopAsyncIteration:
                return response
            except BaseException:
                await response.aclose()
                raise
            await response.aread()
            history = [*history, response]
    finally:
        await flow.aclose()
