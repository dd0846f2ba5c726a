"""The last check before a notice leaves: the job is still this worker's, and what the notice says is still true."""

from collections.abc import Awaitable, Callable

from application.jobs.job import JobLease

Look = Callable[[], Awaitable[str]]
"""Why a notice is not true now; empty while it is."""


class NoticeUntrue(Exception):
    """The notice is no longer true; the message says why, in one word."""


async def confirm(lease: JobLease, look: Look) -> None:
    """Renew the lease, then look, in this order; again if the lease ran out meanwhile. Raises LeaseLost, NoticeUntrue.

    A process that was paused in between would otherwise go on by what was so before.
    """
    held = False
    while not held:
        await lease.hold()
        if why := await look():
            raise NoticeUntrue(why)
        held = lease.held
