"""A mailer for tests that do not read mail."""

from application.notifications.mail import MailMessage


class Nobody:
    """Mail that goes nowhere."""

    async def send(self, letter: MailMessage) -> None: ...
