"""Asks many things at once, but not too many."""

import asyncio
import sys

import httpx


async def main() -> None:
    few = asyncio.Semaphore(5)
    limits = httpx.Limits(max_connections=10, max_keepalive_connections=5)
    async with httpx.AsyncClient(limits=limits, timeout=httpx.Timeout(10.0)) as client:

        async def ask(number: int) -> tuple[int, str]:
            async with few:
                response = await client.get(f"{sys.argv[1]}/echo", params={"n": number})
                return response.status_code, response.json()["target"]

        for answer in await asyncio.gather(*[ask(number) for number in range(20)]):
            print(*answer)
        found = await asyncio.gather(
            client.get("http://127.0.0.1:1/"), ask(99), return_exceptions=True
        )
        print(type(found[0]).__name__, found[1])
        task = asyncio.create_task(client.get(f"{sys.argv[1]}/slow"))
        await asyncio.sleep(0.05)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print("cancelled")
        async with client.stream("GET", f"{sys.argv[1]}/large") as response:
            print(sum([len(chunk) async for chunk in response.aiter_bytes()]))
    print(client.is_closed)


asyncio.run(main())
