"""The opening hours of a provider: the schedule's hours, except on the holidays of its organization."""

from application.catalog.membership import organization_of
from application.event_log import EventReader
from domain.catalog.provider import Provider, ProviderInactive
from domain.catalog.service import NotOfferedBy, Service
from domain.scheduling.opening_hours import OpeningHours
from domain.scheduling.schedule import Schedule


async def hours(service: Service, provider: Provider, log: EventReader) -> OpeningHours:
    """The opening rules. Raises ProviderInactive, also where the organization is closed, and NotOfferedBy."""
    provider.check_active()
    if service.terms["organization_id"] not in {None, provider.profile.get("organization_id")}:
        raise NotOfferedBy  # the service or the provider has changed its organization since
    schedule = await log.load(Schedule, Schedule.id_of(provider.id))
    organization = await organization_of(provider, log)
    if organization is None:
        return schedule.hours()
    if organization.closed:
        raise ProviderInactive
    return schedule.hours().less(organization.closed_dates())
