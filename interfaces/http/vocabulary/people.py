"""The words of accounts, customers and erasure."""

from interfaces.http.vocabulary.word import Word, Words

WORDS: Words = {
    "account_id": Word("The id of the account."),
    "account": Word("The account."),
    "email": Word("The e-mail address.", "grace@example.org"),
    "phone": Word("The telephone number, as people write it.", "+33 1 23 45 67 89"),
    "language": Word("The language of mails: a BCP 47 tag. Daybook writes `en` and `ru`.", "en"),
    "role": Word("The role of the account: what it may do."),
    "list_users.role": Word("Only accounts with this role."),
    "list_users.standing": Word("Only accounts in this state."),
    "list_users.q": Word("Words of the name or of the e-mail address, each of which must occur.", "grace"),
    "list_customers.q": Word(
        "Words of the name or the e-mail address, or digits of the phone number, each of which must occur.", "grace"
    ),
    "list_customers.external_id": Word("Only the customers with this id of your own program.", "crm-12"),
    "Customer.staff_note": Word(
        "Words of staff for staff, which the customer gets in their export alone. There for those who keep the record.",
        "Prefers silence.",
    ),
    "ChangeCustomer.staff_note": Word("Words of staff for staff. The customer does not see them.", "Prefers silence."),
    "MergeCustomer.into": Word("The id of the customer whose record stays."),
    "consent_id": Word("The id of the consent."),
    "purpose": Word("What the customer agrees to: lower-case letters, digits and hyphens.", "newsletter"),
    "Consent.text": Word("The words that were agreed to; empty once the customer is erased.", "I want the newsletter."),
    "GiveConsent.text": Word("The very words that the customer agrees to.", "I want the newsletter."),
    "Consent.given_at": Word("When the customer agreed."),
    "GiveConsent.given_at": Word("When the customer agreed, such as on paper. Null: now."),
    "Consent.by": Word("The account that recorded it."),
    "Consent.by_customer": Word("Whether the customer recorded it themselves.", example=False),
    "withdrawn_at": Word("When it was withdrawn; null while it stands."),
    "withdrawn_by": Word("The account that withdrew it; null while it stands."),
    "AccountExport.consents": Word("What the person has agreed to, withdrawn consents included."),
    "alike": Word("What both have in common.", ["email"]),
    "standing": Word("The state of the account."),
    "disabled": Word("Whether the account can no longer sign in.", example=False),
    "deleted": Word("Whether the customer was deleted, and can no longer book.", example=False),
    "forgetting_due": Word("When Daybook will erase the account, as requested; null if no request is pending."),
    "cancel_appointments": Word("Whether Daybook also cancels upcoming appointments; else they prevent the erasure."),
    "Account.reminders": Word("Whether its holder gets reminders and the offers of the waitlist.", example=True),
    "ChangeMe.reminders": Word("False switches off reminders and the offers of the waitlist.", example=False),
    "at_once": Word("Whether Daybook erases now, without the time in which it can be cancelled.", example=False),
    "notifications": Word("The changes of one's providers' appointments that one gets a mail about."),
    "Notifications.booked": Word("A mail when somebody else books an appointment.", example=True),
    "Notifications.moved": Word("A mail when somebody else moves an appointment.", example=True),
    "Notifications.cancelled": Word("A mail when somebody else cancels an appointment.", example=True),
    "Notifications.team": Word(
        "Mails about all providers of one's organizations, as their owners get them, and requests to answer.",
        example=False,
    ),
    "ChangeNotifications.team": Word(
        "Whether to mail what concerns the other providers of your organizations, too.", example=True
    ),
    "Notifications.agenda": Word("A mail each morning with the appointments of the day.", example=False),
    "ChangeNotifications.agenda": Word("Whether to mail the appointments of the day each morning.", example=True),
    "ChangeNotifications.booked": Word("Whether to mail when somebody else books an appointment.", example=False),
    "ChangeNotifications.moved": Word("Whether to mail when somebody else moves an appointment.", example=False),
    "ChangeNotifications.cancelled": Word("Whether to mail when somebody else cancels an appointment.", example=False),
    "customers": Word("The customers that are this person."),
    "AccountExport.providers": Word("The providers that the account owns."),
    "AccountExport.appointments": Word("The appointments of the person."),
    "AccountExport.waitlist": Word("The waitlist entries of the person."),
    "AccountExport.events": Word("The events of all of the person's streams, the oldest first."),
    "AccountExport.sessions": Word("The devices that are signed in."),
    "AccountExport.mails": Word("The mails that were sent to the person."),
    "AccountExport.views": Word("When somebody else opened a card of the person, the newest first."),
    "ExportedView.at": Word("When the card was opened first in this hour.", "2030-01-31T09:00:00Z"),
    "ExportedView.role": Word("The role of the person who opened it.", "provider"),
    "ExportedView.organizations": Word(
        "The organizations for which they opened it: those they belong to and the person is a customer of.",
        [{"id": "0198c5a2-f6bc-7a2e-95a7-a1c2d3e4f576", "name": "Ada's"}],
    ),
    "ExportedOrganization.name": Word("The name of the organization.", "Ada's"),
    "ExportedView.operation": Word(
        "The operation by which it was opened; `see_as`: an admin looked at what the person sees.", "get_customer"
    ),
}
