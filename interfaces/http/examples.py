"""An example of every body, by the name of its schema."""

from collections.abc import Mapping
from typing import Any

_PROVIDER_ID = "0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"
_SERVICE_ID = "0198c5a2-9c44-7b02-8f6e-2a1f5d9e4b21"
_CUSTOMER_ID = "0198c5a2-b0d3-7e5f-a1c8-6c7d8e9fa032"
_APPOINTMENT_ID = "0198c5a2-c8f7-7a90-b2d4-7e8fa0b1c243"
_OWNER_ID = "0198c5a2-d1e9-7f3c-93e5-8fa0b1c2d354"
_OFF_ID = "0198c5a2-e5ab-7c1d-84f6-90b1c2d3e465"
_SCHEDULE_ID = "4c1f6d0e-6a0b-5d3e-9c2f-1a2b3c4d5e6f"
_TAG_ID = "7d2a8e1f-7b1c-5e4f-8d3a-2b3c4d5e6f70"
_START, _END = "2030-01-31T09:00:00Z", "2030-01-31T09:30:00Z"

_PROFILE = {
    "name": "Ada's Chair",
    "timezone": "Europe/Paris",
    "organization_id": None,
    "bio": "Cuts hair since 1998.",
    "address": "1 Rue de Rivoli, Paris",
    "location": {"lat": 48.8556, "lon": 2.3614},
    "tags": ["haircut"],
}
_POLICY = {
    "cancel_notice": 1440,
    "reschedule_notice": 720,
    "max_reschedules": 2,
    "late_cancel": "fee",
    "late_fee": 1000,
}
_TERMS = {
    "name": "Haircut",
    "provider_id": _PROVIDER_ID,
    "organization_id": None,
    "duration": 30,
    "price": 3500,
    "currency": "EUR",
    "step": 15,
    "align": "opening",
    "buffer_before": 0,
    "buffer_after": 10,
    "capacity": 1,
    "min_notice": 60,
    "window": {"kind": "rolling", "days": 60},
    "hours": None,
    **_POLICY,
    "tags": ["haircut"],
}
_DETAILS = {
    "name": "Grace Hopper",
    "email": "grace@example.org",
    "phone": "+33 1 23 45 67 89",
    "timezone": "Europe/Paris",
    "note": "",
}
_WEEKLY = [{"day": "mon", "from": "09:00", "to": "12:00"}, {"day": "mon", "from": "13:00", "to": "17:00"}]
_OFF = {"start": "2030-08-01T00:00:00Z", "end": "2030-08-15T00:00:00Z", "reason": "Holiday"}
_APPOINTMENT = {
    "id": _APPOINTMENT_ID,
    "version": 1,
    "status": "booked",
    "service_id": _SERVICE_ID,
    "provider_id": _PROVIDER_ID,
    "customer_id": _CUSTOMER_ID,
    "start": _START,
    "end": _END,
    "timezone": "Europe/Paris",
    "price": 3500,
    "currency": "EUR",
    "policy": _POLICY,
    "note": "",
    "answers": {},
    "created_at": "2030-01-02T10:11:12Z",
}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "NewProvider": _PROFILE,
    "ProviderBody": _PROFILE,
    "ProviderChange": {"bio": "Cuts hair and beards since 1998."},
    "ProviderShown": {"id": _PROVIDER_ID, "version": 1, **_PROFILE, "owner_id": _OWNER_ID, "active": True},
    "ServiceBody": _TERMS,
    "ServiceChange": {"price": 3800},
    "ServiceShown": {
        "id": _SERVICE_ID,
        "version": 1,
        **_TERMS,
        "provider_ids": [_PROVIDER_ID],
        "window": {"kind": "rolling", "days": 60, "from": None, "to": None},
        "withdrawn": False,
    },
    "CustomerBody": _DETAILS,
    "CustomerChange": {"phone": None},
    "CustomerShown": {"id": _CUSTOMER_ID, "version": 1, **_DETAILS, "deleted": False},
    "NewTag": {"slug": "haircut", "name": "Haircut"},
    "TagName": {"name": "Haircuts", "slug": "haircuts"},
    "TagMerge": {"into": "1f0c9d52-3a7e-5b84-8c6d-4e5f60718293"},
    "TagShown": {"id": _TAG_ID, "version": 1, "slug": "haircut", "name": "Haircut", "aliases": []},
    "ScheduleBody": {"timezone": "Europe/Paris", "weekly": _WEEKLY},
    "ScheduleShown": {
        "id": _SCHEDULE_ID,
        "version": 4,
        "timezone": "Europe/Paris",
        "weekly": _WEEKLY,
        "overrides": [{"date": "2030-12-24", "hours": [{"from": "09:00", "to": "12:00"}]}],
        "time_off": [{"id": _OFF_ID, **_OFF}],
    },
    "OverrideBody": {"hours": []},
    "OverrideShown": {"date": "2030-12-24", "hours": [{"from": "09:00", "to": "12:00"}], "version": 3},
    "TimeOffBody": _OFF,
    "TimeOffShown": {"id": _OFF_ID, **_OFF, "version": 4},
    "Booking": {"service_id": _SERVICE_ID, "start": _START, "provider_id": _PROVIDER_ID},
    "AppointmentChange": {"note": "By the window, please."},
    "AppointmentShown": _APPOINTMENT,
    "Move": {"start": "2030-01-31T10:00:00Z"},
    "Cancelling": {"reason": "Ill."},
    "Nothing": {},
    "HistoryItem": {
        "position": 4711,
        "at": "2030-01-02T10:11:12Z",
        "type": "Appointment.CheckedIn",
        "version": 2,
        "actor": _OWNER_ID,
        "data": {"by": _OWNER_ID},
    },
    "Starts": {
        "starts": [{"start": _START, "end": _END, "provider_id": _PROVIDER_ID, "seats_left": 1}],
        "timezone": "Europe/Paris",
        "position": 4711,
        "as_of": "2030-01-02T10:11:12Z",
    },
    "WhyShown": {
        "offered": False,
        "rule": "taken",
        "detail": "This time is no longer free.",
        "position": 4711,
    },
    "LedgerHead": {
        "position": 4711,
        "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "at": "2030-01-02T10:11:12Z",
    },
    "LedgerVerdict": {"holds": True, "from": 1, "to": 4711, "seals": 2950, "broken": None},
    "Problem": {
        "type": "/problems/slot-taken",
        "title": "This time is no longer free.",
        "status": 409,
        "detail": "This time is no longer free.",
    },
}
