"""A mailer for tests that do not read mail, and the confirmation of tests that have no lease."""

from application.jobs.job import Confirm
from application.notifications.mail import MailMessage


class Nobody:
    """Mail that goes nowhere."""

    async def send(self, letter: MailMessage, confirm: Confirm) -> None: ...


async def anyway() -> None:
    """Nothing speaks against it."""
