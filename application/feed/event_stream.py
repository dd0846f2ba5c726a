"""The format of `text/event-stream`: the frames of a stream of messages (server-sent events)."""

from domain.log_position import position_text

RETRY = 1_000  # milliseconds after which a client connects again


def opening(position: int) -> bytes:
    """The first bytes of a stream, which make proxies pass on the head of the answer."""
    return b"retry: %d\nid: %s\n\n" % (RETRY, position_text(position).encode())


def heartbeat(position: int) -> bytes:
    """Nothing has happened up to this position, from which the client resumes: no event for its program."""
    return b"id: %s\n\n" % position_text(position).encode()


def frame(position: int, kind: str, body: bytes) -> bytes:
    """A message. `kind`: its type; `body`: JSON on one line."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (position_text(position).encode(), kind.encode(), body)
