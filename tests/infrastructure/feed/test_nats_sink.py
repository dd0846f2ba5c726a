"""The sink continues its stream exactly where it ends, or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from application.feed.sink import SinkEnd, SinkRefused, SinkUnavailable, SunkMessage
from infrastructure.feed.nats_sink import NatsSink
from tests.infrastructure.feed.natsserver import NatsServer

STREAM = "DAYBOOK"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path) as server:
        yield server


def a_sink(server: NatsServer, *, create: bool = True) -> NatsSink:
    return NatsSink(server.url, STREAM, "daybook", create=create)


def a_message(position: int) -> SunkMessage:
    return SunkMessage(position, "appointment.booked", b'{"position":%d}' % position)


async def filled(server: NatsServer, *positions: int) -> SinkEnd:
    async with a_sink(server) as sink:
        end = await sink.end()
        for position in positions:
            end = await sink.publish(a_message(position), end)
    return end


async def test_messages_carry_their_position_and_the_next_sink_continues_after_the_last(server: NatsServer) -> None:
    async with a_sink(server) as sink:
        assert await sink.end() == SinkEnd(0, 0)
    assert await filled(server, 4, 7) == SinkEnd(7, 2)
    async with a_sink(server, create=False) as sink:
        end = await sink.end()
        assert end == SinkEnd(7, 2)
        assert await sink.publish(a_message(11), end) == SinkEnd(11, 3)
    found = await server.messages(STREAM)
    assert [(each.subject, (each.headers or {})["Daybook-Position"]) for each in found] == [
        ("daybook.appointment.booked", position) for position in ("0.4", "0.7", "0.11")
    ]
    assert found[0].data == b'{"position":4}'


async def test_a_missing_stream_is_made_only_if_told_to(server: NatsServer) -> None:
    async with a_sink(server, create=False) as sink:
        with pytest.raises(SinkRefused, match="--create"):
            await sink.end()
    assert await server.last(STREAM) == 0


async def test_an_emptied_stream_is_refused(server: NatsServer) -> None:
    await filled(server, 4, 7)
    client, js = await server.connected()
    await js.purge_stream(STREAM)
    await client.close()
    async with a_sink(server) as sink:
        with pytest.raises(SinkRefused, match="is gone"):
            await sink.end()


async def test_a_stream_that_others_write_to_is_refused(server: NatsServer) -> None:
    await filled(server, 4)
    client, js = await server.connected()
    await js.publish("daybook.appointment.booked", b"{}")
    await client.close()
    async with a_sink(server) as sink:
        with pytest.raises(SinkRefused, match="not of this sink"):
            await sink.end()


async def test_of_two_publishers_one_is_refused_and_each_message_is_there_once(server: NatsServer) -> None:
    await filled(server, 4)
    async with a_sink(server) as one, a_sink(server) as other:
        end, same = await one.end(), await other.end()
        end = await one.publish(a_message(7), end)
        with pytest.raises(SinkRefused, match="another publisher"):
            await other.publish(a_message(7), same)
        await one.publish(a_message(8), end)
    found = await server.messages(STREAM)
    assert [(each.headers or {})["Daybook-Position"] for each in found] == ["0.4", "0.7", "0.8"]


async def test_a_server_that_goes_away_is_met_again_at_the_end_of_the_stream(server: NatsServer) -> None:
    async with a_sink(server) as sink:
        end = await sink.publish(a_message(4), await sink.end())
        server.stop()
        with pytest.raises(SinkUnavailable):
            await sink.publish(a_message(7), end)
        with pytest.raises(SinkUnavailable):
            await sink.end()
        server.start()
        with pytest.raises(SinkUnavailable):
            await sink.publish(a_message(7), end)  # only after the end was read
        assert await sink.end() == end
        assert await sink.publish(a_message(7), end) == SinkEnd(7, 2)
