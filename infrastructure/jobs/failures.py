"""Failed attempts of jobs: what is told of them, and which are faults of Daybook."""

import psycopg
from aiosmtplib import SMTPException
from httpx import HTTPError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import OperationalError

from application.event_log import Unavailable
from application.jobs.job import PermanentFailure, RetryAfter
from domain.errors import Refusal
from infrastructure.mail.mailer import NoSender

_EXPECTED = (
    *(RetryAfter, PermanentFailure, NoSender, Refusal, Unavailable),
    *(OSError, SMTPException, HTTPError, psycopg.OperationalError, PoolTimeout, OperationalError),
)
"""Refusals, and failures of other servers."""


def is_fault(error: Exception) -> bool:
    """Whether Daybook itself is to blame, so that its developers need the trace."""
    return not isinstance(error, _EXPECTED)


def told_of(error: Exception) -> str:
    """The text of Daybook's own exceptions; of others the type and the server's code, as their text may be personal."""
    if isinstance(error, PermanentFailure | RetryAfter):
        return str(error)
    code = getattr(error, "code", None)
    return type(error).__name__ + (f" {code}" if isinstance(code, int) else "")
