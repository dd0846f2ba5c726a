"""What an admin sees who looks at Daybook as a customer does: it is looked at, and nothing is done.

Keys, sessions, mails and the export are for their owner alone, and so is everything that changes something.
"""

SEE_AS = "see_as"
"""As the views log names it."""
SEEN = frozenset(
    {
        "explain_availability",
        "find_earliest_starts",
        "find_starts",
        "get_appointment",
        "get_appointment_history",
        "get_consent",
        "get_customer",
        "get_hold",
        "get_me",
        "get_opening_hours",
        "get_organization",
        "get_provider",
        "get_service",
        "get_tag",
        "get_waitlist_entry",
        "list_appointments",
        "list_consents",
        "list_customers",
        "list_holds",
        "list_holidays",
        "list_organizations",
        "list_providers",
        "list_services",
        "list_tags",
        "list_waitlist",
    }
)
"""The operations that somebody has who is seen by an admin; `application.access.permit` refuses all others."""
