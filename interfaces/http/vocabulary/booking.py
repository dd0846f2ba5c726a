"""The words of appointments, holds and the waitlist."""

from interfaces.http.vocabulary.word import Word, Words

WORDS: Words = {
    "appointment_id": Word("The id of the appointment."),
    "Appointment.status": Word("The state of the appointment."),
    "list_appointments.status": Word("Only appointments in this state."),
    "list_appointments.provider_id": Word("Only appointments with this provider."),
    "list_appointments.customer_id": Word("Only appointments of this customer."),
    "list_appointments.organization_id": Word("Only appointments of this organization's services."),
    "list_appointments.from": Word("Only appointments that start at this instant or later."),
    "list_appointments.to": Word("Only appointments that start before this instant."),
    "list_appointments.overlapping": Word(
        "Whether to list also appointments that start before `from` and end after it, such as across midnight.",
        example=False,
    ),
    "customer_id": Word("The customer. Staff must name one; a customer who books may leave it out."),
    "Appointment.customer_id": Word("The customer who has the appointment."),
    "Hold.customer_id": Word("The customer for whom the time is held."),
    "WaitlistEntry.customer_id": Word("The customer who waits."),
    "BookAppointment.provider_id": Word(
        "The provider. Without it, Daybook chooses the free provider with the fewest appointments that week."
    ),
    "PlaceHold.provider_id": Word("The provider; without it, Daybook chooses one who is free."),
    "RescheduleAppointment.provider_id": Word("The new provider; without it, the provider stays."),
    "JoinWaitlist.provider_id": Word("The provider to wait for; without it, any provider of the service."),
    "WaitlistEntry.provider_id": Word("The provider that the customer waits for; null: any provider of the service."),
    "hold_id": Word("The id of the hold."),
    "BookAppointment.hold_id": Word("One of the caller's holds, of the same service and start, which is used up."),
    "Offer.hold_id": Word("The hold that keeps the offered time."),
    "Hold.status": Word("The state of the hold."),
    "policy": Word("The rules on cancelling, moving and reminders, as agreed when it was booked or moved."),
    "free_cancellation": Word(
        "Whether staff moved the appointment, so that the customer may cancel at no cost until the start."
    ),
    "override": Word("The booking rules that staff set aside; customers may not send it."),
    "rules": Word(
        "The rules that do not count: opening hours and time off, notice, booking window, slot grid.", ["grid"]
    ),
    "Override.reason": Word("Why, in words. Daybook records it.", "A walk-in."),
    "overridden": Word("The rules that staff set aside to book the appointment, or to move it.", ["grid"]),
    "confirmed": Word("What stays confirmed until a requested move is answered; null if no move is requested."),
    "ConfirmedPlace.provider_id": Word("The provider who stays unless the move is confirmed."),
    "ConfirmedPlace.start": Word("The start that stays unless the move is confirmed.", "2030-01-07T09:00:00Z"),
    "ConfirmedPlace.end": Word("The end that stays unless the move is confirmed.", "2030-01-07T09:30:00Z"),
    "appointments": Word("What becomes of upcoming appointments. Required if there are any.", "cancel"),
    "Ending.appointments": Word("What becomes of the upcoming appointments.", "cancel"),
    "Ending.ids": Word("The upcoming appointments.", ["0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"]),
    "delete_provider.reason": Word("Why the appointments are cancelled. Their customers read it.", "The shop closes."),
    "delete_service.reason": Word("Why the appointments are cancelled. Their customers read it.", "No longer offered."),
    "delete_organization.reason": Word(
        "Why the appointments are cancelled. Their customers read it.", "The shop closes."
    ),
    "delete_customer.reason": Word("Why the appointments are cancelled.", "Moved away."),
    "delete_user.reason": Word(
        "Why the appointments are cancelled. Their customers read it.", "The account was closed."
    ),
    "note": Word("Words for staff, at most 2,000 characters.", "By the window, please."),
    "answers": Word(
        "Answers to the provider's questions, by the question's name: texts, numbers, or true and false.",
        {"first_visit": True},
    ),
    "created_at": Word("When it was created: an instant in UTC.", "2030-01-02T10:11:12Z"),
    "expires_at": Word("When it ends by itself: an instant in UTC.", "2030-01-02T10:16:12Z"),
    "Appointment.expires_at": Word("When a request that staff have not confirmed loses its time; null if none."),
    "cancelled": Word("How the appointment was cancelled; only if it was."),
    "declined": Word("How the request was declined; only if it was."),
    "by": Word("The account that did it.", "0198c5a2-d1e9-7f3c-93e5-8fa0b1c2d354"),
    "party": Word("The side that cancelled; null if release 0.1.0 recorded the cancellation."),
    "reason": Word("Why, in words.", "Ill."),
    "CancelAppointment.reason": Word("Why, in words. Staff must give a reason."),
    "DeclineAppointment.reason": Word("Why, in words. Daybook sends it to the customer."),
    "delete_appointment.reason": Word("Why, in words. Staff must give a reason.", "Ill."),
    "reason_code": Word("The reason as statistics count it. Unlike the words, it stays after an erasure."),
    "late": Word("Whether it was cancelled after the notice that the policy demands.", example=False),
    "fee": Word("The fee for cancelling late, in minor units of the appointment's currency.", 1000),
    "waiting_id": Word("The id of the waitlist entry."),
    "dates": Word("The dates on which the customer can come."),
    "WaitlistDates.from": Word("The first date, in the entry's time zone."),
    "WaitlistDates.to": Word("The last date, included."),
    "JoinWaitlist.hours": Word("The local hours in which it may start; an empty list: at any time."),
    "WaitlistEntry.hours": Word("The local hours in which it may start; an empty list: at any time."),
    "JoinWaitlist.timezone": Word("The time zone of `dates` and `hours`; by default the provider's."),
    "offer": Word("The time that is held for the customer; null if there is no offer."),
    "WaitlistEntry.status": Word("The state of the entry."),
    "list_waitlist.status": Word("Only entries in this state."),
    "list_waitlist.service_id": Word("Only entries for this service."),
    "list_waitlist.provider_id": Word("Only entries for this provider."),
}
