"""The words of opening hours and free times."""

from interfaces.http.vocabulary.word import Word, Words

WORDS: Words = {
    "start": Word("When it begins: an instant in UTC.", "2030-01-31T09:00:00Z"),
    "end": Word("When it ends: an instant in UTC, not included.", "2030-01-31T09:30:00Z"),
    "starts": Word("The free times, by start and then by provider."),
    "seats_left": Word("The number of seats that are free at this start.", 1),
    "earliest": Word("The first free start in the next 62 days; only in lists that are sorted by it."),
    "offered": Word("Whether this start can be booked now.", example=False),
    "AvailabilityExplanation.holiday": Word("The holiday that closes the provider then; null if none does."),
    "ClosingHoliday.date": Word("The date of the holiday, in the provider's time zone.", "2030-12-25"),
    "ClosingHoliday.name": Word("The name of the holiday.", "Christmas"),
    "rule": Word("The rule that forbids this start; null if it is offered."),
    "AvailabilityExplanation.rules": Word(
        "All rules that forbid this start, `rule` first; none if it is offered.", ["notice", "taken"]
    ),
    "AvailabilityExplanation.tzdata": Word(
        "The release of the time zone data by which local times were read.", "2026b"
    ),
    "AvailabilityExplanation.as_of": Word("The time at which the rules are judged: now, or that of `at`."),
    "AvailabilityExplanation.at": Word("When this position was recorded; null for an answer about now."),
    "AvailabilityExplanation.until": Word("When the next position was recorded; null for an answer about now."),
    "AvailabilityExplanation.taken_by": Word(
        "The appointments and holds in the way that you may see; null for an answer about now.",
        ["0198c5a2-c8f7-7a90-b2d4-7e8fa0b1c243"],
    ),
    "AvailabilityExplanation.withheld": Word("The number of others in the way; null for an answer about now.", 0),
    "as_of": Word("The time at which the answer was computed: an instant in UTC.", "2030-01-02T10:11:12Z"),
    "tz": Word(
        "The IANA time zone of the dates. Required when `from` and `to` are dates.",
        "Europe/Paris",
    ),
    "find_starts.from": Word("The first date, or the first instant, of the range."),
    "find_starts.to": Word("The last date, included, or the end of the range as an instant, not included."),
    "find_starts.provider_id": Word("Only free times with this provider."),
    "find_earliest_starts.service_id": Word("The service. Give either this or `tag`."),
    "find_earliest_starts.tag": Word("A tag: all services that have it. Give either this or `service_id`.", "haircut"),
    "find_earliest_starts.limit": Word("The number of starts at most.", 10),
    "explain_availability.provider_id": Word("The provider; without it, any provider of the service."),
    "explain_availability.start": Word("The start to explain: an instant."),
    "explain_availability.at": Word(
        "A moment of the past: an instant to the microsecond, or a position. Takes the permission of `get_past_state`.",
        "2030-01-02T10:11:12.500000Z",
    ),
    "orphans": Word(
        "What becomes of appointments that the change leaves outside the opening hours; null: decide later."
    ),
    "delete_override.orphans": Word(
        "What becomes of appointments that the weekly hours do not cover; without it, staff decide later.", "rebook"
    ),
    "delete_override.reason": Word("Why they are cancelled. Their customers read it.", "Closed that day."),
    "choice": Word(
        "`keep`: they take place; `cancel`: for the `reason`; `rebook`: customers are asked for another time.",
        "rebook",
    ),
    "OrphanHandling.choice": Word("What becomes of them; null: staff decide later.", "rebook"),
    "OrphanHandling.each": Word("Another choice for single appointments, at most 200."),
    "OrphanHandling.reason": Word("Why they are cancelled. Their customers read it.", "Closed that day."),
    "SchedulePreview.orphans": Word("The first 200 appointments that would lie outside the opening hours, by start."),
    "orphan_count": Word("How many appointments would lie outside the opening hours.", 1),
    "listed": Word("Whether it lies outside the opening hours already, and nobody has settled that.", example=False),
    "reopened": Word("How many appointments that lie outside now would lie within the hours again.", 0),
    "SchedulePreview.services": Word("The services whose free starts would change."),
    "gained": Word("How many free starts the change adds.", 2),
    "lost": Word("How many free starts the change takes away.", 16),
    "gained_starts": Word("The first 100 of them.", ["2030-02-02T09:00:00Z", "2030-02-02T09:30:00Z"]),
    "lost_starts": Word("The first 100 of them.", ["2030-01-31T09:00:00Z"]),
    "cancelled_time_off": Word("The ids of time off that would be deleted.", ["0198c5a2-ae15-7b93-9c4f-3f5061728394"]),
    "PreviewSchedule.timezone": Word("The time zone of all hours; without it, it stays.", "Europe/Paris"),
    "PreviewSchedule.weekly": Word("The hours of a week; without them, they stay."),
    "PreviewSchedule.overrides": Word("Dates with other hours than those of the week."),
    "PreviewSchedule.time_off": Word("Spans in which the provider would be closed too."),
    "PreviewSchedule.from": Word(
        "From when free starts are compared: an instant; by default now.", "2030-01-31T00:00:00Z"
    ),
    "PreviewSchedule.to": Word("Until when; at most 62 days later, by default 28.", "2030-02-28T00:00:00Z"),
    "SchedulePreview.from": Word("From when free starts were compared.", "2030-01-31T00:00:00Z"),
    "SchedulePreview.to": Word("Until when.", "2030-02-28T00:00:00Z"),
    "PreviewedOverride.hours": Word(
        "Windows of local time. An empty list: closed; null: the weekly hours apply again."
    ),
    "weekly": Word("The hours of a week, in the schedule's time zone. Windows must not overlap."),
    "WeeklyWindow.day": Word("The day of the week on which the window begins."),
    "from": Word("The beginning.", "2030-01-31"),
    "to": Word("The end.", "2030-02-01"),
    "WeeklyWindow.from": Word("Local time at which the window begins, HH:MM."),
    "WeeklyWindow.to": Word("Local time at which it ends, HH:MM, up to 24:00. Not after `from`: on the next day."),
    "DayWindow.from": Word("Local time at which the window begins, HH:MM."),
    "DayWindow.to": Word("Local time at which it ends, HH:MM, up to 24:00. Not after `from`: on the next day."),
    "hours": Word("Windows of local time. An empty list: closed on that date."),
    "overrides": Word("Dates with other hours than those of the week."),
    "date": Word("A local date, YYYY-MM-DD.", "2030-12-25"),
    "time_off": Word("Spans in which the provider is closed."),
    "time_off_id": Word("The id of the time off."),
    "ReplaceSchedule.timezone": Word("The time zone of all hours: a name of the IANA database."),
    "timezone": Word("A time zone: a name of the IANA database.", "Europe/Paris"),
}
