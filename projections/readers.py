"""All readers: without its line here, a read model is not kept."""

from collections.abc import Sequence

from projections.account import accounts
from projections.agenda import agenda
from projections.customer import customers
from projections.directory import directory
from projections.job import jobs
from projections.occupancy import occupied
from projections.organization import organizations
from projections.reader import Reader
from projections.vacancy import vacancy
from projections.waitlist import waitlist
from projections.webhook import webhooks

READERS: Sequence[Reader] = (
    accounts,
    agenda,
    customers,
    directory,
    jobs,
    occupied,
    organizations,
    vacancy,
    waitlist,
    webhooks,
)
