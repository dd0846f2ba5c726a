"""Consent: a customer agrees to a purpose, in words that are kept, until they withdraw it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from domain.errors import Conflict, Invalid, NotFound
from domain.personal_data import PersonalData

MOST_CONSENTS = 100
"""Consents of one customer, withdrawn ones included: all of them stay in the log."""
LONGEST_TEXT = 8_000  # characters of the words that are agreed to


class ConsentExists(Conflict):
    """This consent has been recorded already."""


class TooManyConsents(Conflict):
    """This customer has as many consents as Daybook keeps."""


class Consent(NamedTuple):
    """`purpose`: what it is for, such as newsletter; `by_customer`: they recorded it themselves, not staff.

    `withdrawn_at`, `withdrawn_by`: None while it stands.
    """

    id: UUID
    purpose: str
    given_at: datetime
    by: UUID
    by_customer: bool
    withdrawn_at: datetime | None = None
    withdrawn_by: UUID | None = None


@dataclass(frozen=True)
class ConsentFields:
    """The fields of the event that records a consent. `text`: the words that were agreed to; they may name people."""

    by: UUID
    by_customer: bool
    consent_id: UUID
    purpose: str
    given_at: datetime
    text: PersonalData


class WithConsents:
    """The consents of a customer; their words by id, encrypted as all personal data."""

    ConsentGiven: ClassVar[type[Any]]
    ConsentWithdrawn: ClassVar[type[Any]]
    trigger_event: Callable[..., None]
    consents: Mapping[UUID, Consent]
    consent_texts: Mapping[UUID, PersonalData]

    def consent(self, id: UUID) -> Consent:
        """Raises NotFound."""
        if id not in self.consents:
            raise NotFound("consent", id)
        return self.consents[id]

    def consent_text(self, id: UUID) -> str:
        """The words; empty while they are encrypted, and after erasure."""
        return self.consent_texts[id].value or ""

    def give_consent(self, consent: Consent, text: PersonalData, now: datetime) -> None:
        """Record a consent. `text`: of this customer. Raises ConsentExists, TooManyConsents; Invalid for the future."""
        if consent.id in self.consents:
            raise ConsentExists
        if len(self.consents) >= MOST_CONSENTS:
            raise TooManyConsents(f"At most {MOST_CONSENTS}, withdrawn ones included.", limit=MOST_CONSENTS)
        if consent.given_at > now:
            raise Invalid("Nobody can have consented in the future.", "/given_at")
        fields = ConsentFields(consent.by, consent.by_customer, consent.id, consent.purpose, consent.given_at, text)
        self.trigger_event(self.ConsentGiven, **vars(fields), timestamp=now)

    def adopt_consent(self, consent: Consent, text: PersonalData, now: datetime) -> None:
        """Record a consent that another record of the same person has, withdrawn or not."""
        if consent.id not in self.consents:
            self.give_consent(consent, text, now)
        if consent.withdrawn_at is not None and self.consent(consent.id).withdrawn_at is None:
            ending = {"by": consent.withdrawn_by, "withdrawn_at": consent.withdrawn_at}
            self.trigger_event(self.ConsentWithdrawn, consent_id=consent.id, **ending, timestamp=now)

    def keep_consent(self, given: ConsentFields) -> None:
        """Take over what was recorded."""
        consent = Consent(given.consent_id, given.purpose, given.given_at, given.by, given.by_customer)
        self.consents = {**self.consents, consent.id: consent}
        self.consent_texts = {**self.consent_texts, consent.id: given.text}

    def withdraw_consent(self, by: UUID, id: UUID, now: datetime) -> None:
        """Withdraw a consent, which stays on record. Already withdrawn is not an error. Raises NotFound."""
        if self.consent(id).withdrawn_at is None:
            self.trigger_event(self.ConsentWithdrawn, by=by, consent_id=id, withdrawn_at=now, timestamp=now)

    def end_consent(self, id: UUID, by: UUID, at: datetime) -> None:
        """Take over that a consent was withdrawn."""
        self.consents = {**self.consents, id: self.consents[id]._replace(withdrawn_at=at, withdrawn_by=by)}
