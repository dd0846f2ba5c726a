"""The words of webhooks and their messages."""

from interfaces.http.vocabulary.word import Word, Words

_MESSAGE = {
    "type": "schedule.changed",
    "timestamp": "2030-01-02T10:11:12.123456Z",
    "data": {
        "provider_id": "0198c5a2-d1e9-7f3c-93e5-8fa0b1c2d354",
        "version": 2,
        "timezone": "Europe/Paris",
        "position": "0.4711",
    },
}

WORDS: Words = {
    "webhook_id": Word("The id of the webhook."),
    "url": Word("The address to which Daybook sends the messages: https, and public.", "https://example.org/hook"),
    "types": Word("The types of events that the webhook receives.", ["appointment.booked"]),
    "CreateWebhook.organization_id": Word("All providers of this organization. Give either this or `provider_id`."),
    "CreateWebhook.provider_id": Word("One provider. Give either this or `organization_id`."),
    "Webhook.provider_id": Word("The provider that the webhook is about; null: all of the organization's."),
    "WebhookWithSecret.provider_id": Word("The provider that the webhook is about; null: all of the organization's."),
    "list_webhooks.organization_id": Word("Only webhooks of this organization."),
    "list_webhooks.provider_id": Word("Only webhooks about this provider."),
    "list_events.after": Word("Only events after this position: `next` of the page before.", "0.4711"),
    "list_events.types": Word("Only events of these types; by default of all.", ["appointment.booked"]),
    "list_events.limit": Word("The number of events on a page at most.", 50),
    "stream_events.after": Word("Only events after this position; by default those from now on.", "0.4711"),
    "stream_events.types": Word("Only events of these types; by default of all.", ["appointment.booked"]),
    "EventPage.items": Word("The events of this page, in the order of the log.", [_MESSAGE]),
    "EventPage.next": Word(
        "Every event up to this position has been looked at: the `after` of the next page.", "0.4711"
    ),
    "timestamp": Word("When the event was recorded: an instant in UTC.", "2030-01-02T10:11:12.123456Z"),
    "AppointmentMessage.type": Word("The type of the event.", "appointment.booked"),
    "ScheduleMessage.type": Word("The type of the event.", "schedule.changed"),
    "ProviderMessage.type": Word("The type of the event.", "provider.changed"),
    "AppointmentMessage.data": Word("The appointment right after the event, without personal data."),
    "ScheduleMessage.data": Word("The schedule right after the event."),
    "ProviderMessage.data": Word("The provider right after the event."),
    "AppointmentSnapshot.status": Word("The state of the appointment."),
    "ProviderSnapshot.status": Word("Whether the provider can be booked."),
    "AppointmentSnapshot.position": Word("The position of the event in the log.", "0.4711"),
    "ScheduleSnapshot.position": Word("The position of the event in the log.", "0.4711"),
    "ProviderSnapshot.position": Word("The position of the event in the log.", "0.4711"),
    "state": Word("Whether Daybook sends messages."),
    "Webhook.reason": Word("Why Daybook disabled the webhook; empty while it is active."),
    "WebhookWithSecret.reason": Word("Why Daybook disabled the webhook; empty while it is active."),
    "Webhook.position": Word("The position of the last event that was delivered."),
    "WebhookWithSecret.position": Word("The position of the last event that was delivered."),
    "behind": Word("The number of messages that wait, as last counted.", 0),
    "failing_since": Word("When the server stopped accepting messages; null if it accepts them."),
    "redeliver_webhook.after": Word("Daybook sends the events after this position again.", "0.4711"),
    "message_id": Word("The `webhook-id` of the message, the same at every attempt."),
    "Delivery.type": Word("The type of the event."),
    "Delivery.id": Word("The number of the attempt among all attempts.", 31),
    "attempt": Word("The number of the attempt for this message, from 1.", 1),
    "status_code": Word("The HTTP status that the server answered; null without an answer.", 500),
    "took_ms": Word("Milliseconds until the answer.", 83),
    "Delivery.error": Word("Why it failed, in a word; null if the server accepted the message."),
}
