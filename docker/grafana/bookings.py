"""The dashboard *Bookings*: what customers do, without a name of any."""

from docker.grafana.board import Board, graph, number, total

EVENTS = "daybook_events_recorded_total"


def in_range(event: str) -> str:
    return f'sum(increase({EVENTS}{{event="{event}"}}[$__range]))'


def an_hour(event: str) -> str:
    return f'sum(increase({EVENTS}{{event="{event}"}}[1h]))'


NOTE = "Counted by the processes that recorded them, so a little less than the log has if one was killed."
NOW = [
    number("Booked", "short", f"Appointments booked in the time shown. {NOTE}", in_range("Appointment.Booked")),
    number("Requested", "short", "Appointments that wait for a provider's word.", in_range("Appointment.Requested")),
    number(
        "Cancelled",
        "short",
        "Appointments cancelled in the time shown. Many at once: a provider or organization was closed.",
        in_range("Appointment.Cancelled"),
    ),
    number("No-shows", "short", "Customers who did not come.", in_range("Appointment.NoShow")),
    number("Holds", "short", "Times held for a customer who has not booked yet.", in_range("Hold.Placed")),
    number("Offers", "short", "Times offered to the waitlist.", in_range("Waiting.Offered")),
]
COURSE = [
    graph(
        "Appointments",
        "short",
        "In the hour before each moment. No bookings at all in opening hours: book one yourself, then look at the "
        "dashboard Service.",
        (an_hour("Appointment.Booked"), "booked"),
        (an_hour("Appointment.Requested"), "requested"),
        (an_hour("Appointment.Rescheduled"), "moved"),
        (an_hour("Appointment.Cancelled"), "cancelled"),
    ),
    graph(
        "Ends",
        "short",
        "In the hour before each moment. No-shows that rise: do reminders arrive? See the dashboard Jobs and mail.",
        (an_hour("Appointment.Completed"), "completed"),
        (an_hour("Appointment.NoShow"), "no-show"),
    ),
    graph(
        "Holds and waitlist",
        "short",
        "In the hour before each moment. Holds that expire, almost as many as are placed: customers break off before "
        "they book.",
        (an_hour("Hold.Placed"), "held"),
        (an_hour("Hold.Expired"), "hold expired"),
        (an_hour("Waiting.Joined"), "joined the waitlist"),
        (an_hour("Waiting.Offered"), "offered"),
        (an_hour("Waiting.Accepted"), "accepted"),
    ),
    graph(
        "Bookings by outcome",
        "ops",
        "Commands that book. `refused` that rise: clients show times that others have taken; they should ask for free "
        "times again.",
        (total("daybook_commands_total", 'command="BookAppointment"', "outcome"), "{{outcome}}"),
    ),
    graph(
        "Questions for free times",
        "reqps",
        "Requests for free times each second. Many questions for few bookings: customers find no time that suits.",
        (
            total("daybook_http_requests_total", 'operation=~"find_starts|find_earliest_starts"', "operation"),
            "{{operation}}",
        ),
    ),
    graph(
        "Changes to the offer",
        "ops",
        "Events of providers, services and schedules each second. A burst is an import.",
        (total(EVENTS, 'event=~"(Provider|Service|Schedule|Organization)[.].*"', "event"), "{{event}}"),
    ),
]
BOARD = Board("bookings", "Bookings", "What do customers do?", [("In the time shown", NOW), ("Course", COURSE)])
