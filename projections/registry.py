"""All projections: a read model is updated only if its projection is listed here."""

from collections.abc import Sequence

from projections.analysis.page import analysis
from projections.engine.projection import Projection
from projections.read_models.account import accounts
from projections.read_models.appointment import agenda
from projections.read_models.audit.event import audit
from projections.read_models.audit.ledger_tree import ledger_tree
from projections.read_models.availability import vacancy
from projections.read_models.consent import consents
from projections.read_models.customer import customers
from projections.read_models.directory import directory
from projections.read_models.double_booking_guard import occupied
from projections.read_models.feed.entry import feed
from projections.read_models.hold import holds
from projections.read_models.jobs.job import jobs
from projections.read_models.organization import organizations
from projections.read_models.waitlist import waitlist
from projections.read_models.webhook import webhooks

PROJECTIONS: Sequence[Projection] = (
    accounts,
    agenda,
    analysis,
    audit,
    consents,
    customers,
    directory,
    feed,
    holds,
    jobs,
    ledger_tree,
    occupied,
    organizations,
    vacancy,
    waitlist,
    webhooks,
)
