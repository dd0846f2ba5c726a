"""When is a provider open? As the schedule says, but for the holidays of the organization."""

from application.log import Log
from application.membership import organization_of
from domain.hours import Hours
from domain.provider import Provider
from domain.schedule import Schedule


async def hours(provider: Provider, log: Log) -> Hours | None:
    """The opening rules; None if the organization is closed, and so takes no new bookings."""
    schedule = await log.load(Schedule, Schedule.id_of(provider.id))
    organization = await organization_of(provider, log)
    if organization is None:
        return schedule.hours()
    return None if organization.closed else schedule.hours().less(organization.closed_dates())
