"""How the API listens."""

import asyncio
import socket

from yivideo.api.serve import _listen  # pyright: ignore[reportPrivateUsage]


def test_answers_leave_at_once() -> None:
    """Without waiting for the receiver to acknowledge what was sent before (Nagle's algorithm)."""

    async def accepted() -> int:
        connected: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            connected.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = _listen("127.0.0.1", 0)
        async with await asyncio.start_server(serve, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            answer = await connected
            writer.close()
            await writer.wait_closed()
            return answer

    assert asyncio.run(accepted())
