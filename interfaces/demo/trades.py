"""The services of the demo town, their hours and prices."""

from typing import Any

# Minor units that buy what a euro does, and the step that prices are rounded to.
CURRENCIES: dict[str, tuple[int, int]] = {
    "EUR": (100, 50),
    "GBP": (90, 50),
    "USD": (120, 100),
    "CAD": (150, 100),
    "AUD": (165, 100),
    "NZD": (180, 100),
    "JPY": (140, 100),
    "KRW": (1300, 1000),
    "INR": (3000, 5000),
    "NPR": (5000, 5000),
    "LKR": (12000, 10000),
    "BRL": (350, 500),
    "CLP": (800, 500),
    "MXN": (1400, 1000),
    "NGN": (50000, 50000),
    "ZAR": (1100, 1000),
    "TRY": (2500, 5000),
    "ISK": (160, 100),
    "KWD": (300, 250),
    "XPF": (125, 100),
}

HOURS = {
    "office": "mon-fri 09:00-12:00 13:00-17:00",
    "practice": "mon-thu 08:00-12:00 14:00-18:00, fri 08:00-13:00",
    "shop": "tue-fri 10:00-13:00 14:00-19:00, sat 09:00-16:00",
    "siesta": "mon-fri 09:30-13:30 16:30-20:00, sat 10:00-14:00",
    "workshop": "mon-fri 07:30-12:00 12:45-16:30, sat 08:00-12:00",
    "studio": "tue-sat 12:00-16:00 16:00-21:00",
    "lessons": "mon-thu 14:00-17:00 17:30-21:00, sat 09:00-13:00",
    "classes": "mon-fri 06:30-10:00 17:00-20:30, sun 09:00-12:00",
    "night": "thu-sat 20:00-04:00, sun 18:00-24:00",
    "sunday first": "sun-thu 08:30-12:30 15:00-18:30",
    "six days": "sun-fri 10:00-13:00 14:00-18:00",
}


def offering(name: str, duration: int, euros: float, **others: Any) -> dict[str, Any]:
    """A service before it is fitted to a shop. `fee`: for cancelling late, per cent; None: refused."""
    terms: dict[str, Any] = {
        "step": None,
        "align": "opening",
        "buffer_before": 0,
        "buffer_after": 0,
        "capacity": 1,
        "min_notice": 0,
        "window": {"kind": "rolling", "days": 60},
        "hours": None,
        "cancel_notice": 1440,
        "reschedule_notice": 720,
        "max_reschedules": 3,
        "fee": None,
        "tags": [],
    }
    return {"name": name, "duration": duration, "euros": euros, **terms, **others}


_BUSINESS = {"kind": "business", "days": 15}
_CLOCK = {"align": "clock", "step": 30}

TRADES: dict[str, list[dict[str, Any]]] = {
    "hair": [
        offering("Cut and blow-dry", 45, 42, step=15, align="clock", buffer_after=10, tags=["walk-in"]),
        offering("Colour", 120, 95, step=30, buffer_after=15, min_notice=1440, fee=50, cancel_notice=2880),
        offering("Fringe trim", 15, 12, window={"kind": "rolling", "days": 14}, cancel_notice=60),
    ],
    "barber": [
        offering("Haircut", 30, 24, cancel_notice=120, reschedule_notice=60, tags=["walk-in"]),
        offering("Hot towel shave", 40, 28, step=20, align="clock", buffer_after=5, cancel_notice=120),
    ],
    "dentist": [
        offering("Check-up", 30, 60, buffer_after=10, step=20, min_notice=240, tags=["health"]),
        offering("Filling", 60, 140, buffer_before=5, buffer_after=15, step=30, fee=30, tags=["health"]),
    ],
    "physio": [
        offering("First assessment", 60, 75, buffer_after=10, step=30, min_notice=720, tags=["health"]),
        offering("Treatment", 30, 45, buffer_after=5, step=10, fee=100, tags=["health"]),
    ],
    "garage": [
        offering("Tyre change", 45, 55, step=15, buffer_after=15, min_notice=120),
        offering("Annual service", 180, 240, step=60, align="clock", window=_BUSINESS, min_notice=2880),
    ],
    "vet": [
        offering("Consultation", 20, 48, buffer_after=5, step=10, tags=["animals", "health"]),
        offering("Vaccination", 15, 35, step=15, hours="mon-fri 09:00-12:00", tags=["animals", "health"]),
    ],
    "night-vet": [
        offering(
            "Night consultation",
            30,
            110,
            window={"kind": "rolling", "days": 21},
            cancel_notice=60,
            buffer_after=10,
            step=20,
            reschedule_notice=60,
            tags=["animals", "health"],
        )
    ],
    "tattoo": [
        offering("Design talk", 30, 0, **_CLOCK, cancel_notice=120, tags=["online"]),
        offering(
            "Half-day session",
            210,
            380,
            step=60,
            buffer_before=30,
            buffer_after=30,
            min_notice=4320,
            cancel_notice=4320,
            reschedule_notice=4320,
            max_reschedules=1,
            fee=50,
        ),
    ],
    "music": [
        offering("Piano lesson", 45, 38, step=15, buffer_after=5, tags=["lessons"]),
        offering("Violin lesson", 30, 29, **_CLOCK, tags=["lessons"]),
    ],
    "yoga": [
        offering(
            "Morning flow",
            60,
            14,
            capacity=12,
            step=75,
            hours="mon-fri 06:30-10:00",
            cancel_notice=180,
            reschedule_notice=180,
            buffer_after=15,
            tags=["group"],
        ),
        offering(
            "Evening yin",
            75,
            16,
            capacity=8,
            step=90,
            hours="mon-fri 17:00-20:30",
            cancel_notice=180,
            reschedule_notice=180,
            buffer_after=15,
            tags=["group"],
        ),
    ],
    "pottery": [
        offering(
            "Wheel for beginners",
            120,
            36,
            capacity=6,
            step=150,
            buffer_after=30,
            min_notice=1440,
            fee=50,
            window={"kind": "fixed"},
            tags=["group", "lessons"],
        )
    ],
    "optician": [
        offering("Eye test", 25, 30, step=30, align="clock", buffer_after=5, tags=["health"]),
        offering("Contact lens fitting", 50, 55, **_CLOCK, min_notice=60, tags=["health"]),
    ],
    "notary": [
        offering("Signature", 20, 25, step=20, align="clock", min_notice=1440, window=_BUSINESS),
        offering(
            "Will and estate",
            90,
            210,
            step=30,
            buffer_before=15,
            buffer_after=15,
            min_notice=2880,
            window=_BUSINESS,
        ),
    ],
    "massage": [
        offering("Deep tissue", 60, 65, step=15, align="clock", buffer_before=10, buffer_after=10, fee=50),
        offering("Shiatsu", 90, 88, step=30, buffer_before=10, buffer_after=10, fee=50),
    ],
    "language": [
        offering("Conversation", 50, 22, **_CLOCK, window=None, cancel_notice=360, tags=["lessons", "online"])
    ],
    "photo": [offering("Portrait", 75, 150, **_CLOCK, buffer_before=15, buffer_after=30, min_notice=1440, fee=30)],
    "tax": [offering("Tax return", 60, 120, step=60, window=_BUSINESS, min_notice=1440, tags=["online"])],
    "midwife": [offering("Home visit", 50, 0, step=30, buffer_before=20, buffer_after=20, tags=["health"])],
    "bicycle": [
        offering("Tune-up", 40, 45, step=20, buffer_after=5, cancel_notice=60),
        offering("Bike fitting", 90, 110, step=30, align="clock", min_notice=720),
    ],
    "driving": [offering("Driving lesson", 90, 70, step=45, cancel_notice=2880, fee=100, tags=["lessons"])],
}

TAGS = {
    "hair": "Hairdressers",
    "barber": "Barbers",
    "dentist": "Dentists",
    "physio": "Physiotherapy",
    "garage": "Garages",
    "vet": "Vets",
    "night-vet": "Vets at night",
    "tattoo": "Tattoo studios",
    "music": "Music lessons",
    "yoga": "Yoga",
    "pottery": "Pottery",
    "optician": "Opticians",
    "notary": "Notaries",
    "massage": "Massage",
    "language": "Languages",
    "photo": "Photographers",
    "tax": "Tax advice",
    "midwife": "Midwives",
    "bicycle": "Bicycle repair",
    "driving": "Driving schools",
    "health": "Health",
    "animals": "Animals",
    "lessons": "Lessons",
    "group": "In a group",
    "online": "Also online",
    "walk-in": "Walk-ins welcome",
}

NOTES = (
    "Booked by phone.",
    "First visit.",
    "Prefers the chair by the window.",
    "Llega con diez minutos de retraso.",
    "Allergic to latex.",
    "車椅子で来ます。",
    "Brings a dog (friendly).",
    "Facture à envoyer par courriel, merci.",
)

REASONS = (
    "Ill today, sorry.",
    "The power is out.",
    "Double shift at home.",
    "Équipement en panne.",
    "Asked by phone.",
)
