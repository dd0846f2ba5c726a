"""The jobs of an invitation: the mail with its link, and its end when nobody answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from application.access import SYSTEM, LinkPurpose
from application.catalog.invitation import ChangeInvitation, expire_invitation
from application.current_state import current_state
from application.event_log import EventStore
from application.jobs.job import Job, JobHandlers, JobLease, NotDueYet
from application.notifications.confirmation import NoticeUntrue, confirm
from application.notifications.links import Links
from application.notifications.mail import Mailer, MailMessage
from application.notifications.recipient import account_of
from domain.catalog.invitation import Invitations, OpenInvitation
from domain.catalog.organization import Organization
from domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class InvitationServices:
    """The services that invitations use."""

    store: EventStore
    mail: Mailer
    links: Links


def invitation_handlers(services: InvitationServices) -> JobHandlers:
    """Handlers of the jobs of invitations. The subject of a job is the stream of an organization's invitations."""
    handlers = {"invite_member": send_member_invitation, "expire_invitation": end_invitation}
    return {kind: partial(handler, services=services) for kind, handler in handlers.items()}


async def send_member_invitation(job: Job, lease: JobLease, services: InvitationServices) -> str:
    """Send the link, as long as the invitation is open."""
    invitations = await current_state(Invitations, job.subject, services.store)
    id = UUID(job.said["invitation_id"])
    contact = None if invitations is None or id not in invitations.open else invitations.invitees[id].value
    if invitations is None or contact is None:
        return "gone"
    organization = await current_state(Organization, invitations.organization_id, services.store)
    if organization is None or organization.closed:
        return "gone"
    message = await _message(job, organization, invitations.open[id], contact, services)

    async def look() -> str:
        now = await current_state(Invitations, job.subject, services.store)
        return "" if now is not None and id in now.open else "gone"

    try:
        await services.mail.send(message, lambda: confirm(lease, look))
    except NoticeUntrue as untrue:
        return str(untrue)
    return "sent"


async def _message(
    job: Job, to: Organization, invitation: OpenInvitation, contact: Mapping[str, str], services: InvitationServices
) -> MailMessage:
    """In the language that was asked for, or else that of the person who invites."""
    inviter = await account_of(invitation.by, services.store)
    language = contact.get("language") or (inviter.language if inviter else "")
    link = services.links.signed(LinkPurpose.INVITATION, to.id, contact["email"], invitation.expires_at, language)
    return MailMessage(
        id=job.key,
        kind="invitation",
        to=contact["email"],
        language=language,
        said={"organization": to.profile["name"], "rank": invitation.rank.value, "link": link},
        at=job.due_at,
        moments={"expires": invitation.expires_at},
        timezone=to.profile["timezone"] or "",
    )


async def end_invitation(job: Job, lease: JobLease, services: InvitationServices) -> str:  # noqa: ARG001
    """End an invitation that nobody has answered."""
    invitations = await current_state(Invitations, job.subject, services.store)
    id = UUID(job.said["invitation_id"])
    if invitations is None or id not in invitations.open:
        return "gone"
    command = ChangeInvitation(by=SYSTEM, organization_id=invitations.organization_id, invitation_id=id, **job.trace)
    try:
        left = (await expire_invitation(command, services.store)).aggregate.open
    except NotFound:
        return "gone"
    if id in left:  # the clock of this process is behind the database's clock
        raise NotDueYet(services.store.now() + timedelta(seconds=5))
    return "expired"
