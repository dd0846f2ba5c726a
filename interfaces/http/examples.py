"""An example of every body, by the name of its schema."""

from collections.abc import Mapping
from typing import Any

_PROVIDER_ID = "0198c5a2-7d1c-7cc1-9a54-0d6f3b1f7a10"
_SERVICE_ID = "0198c5a2-9c44-7b02-8f6e-2a1f5d9e4b21"
_CUSTOMER_ID = "0198c5a2-b0d3-7e5f-a1c8-6c7d8e9fa032"
_APPOINTMENT_ID = "0198c5a2-c8f7-7a90-b2d4-7e8fa0b1c243"
_OWNER_ID = "0198c5a2-d1e9-7f3c-93e5-8fa0b1c2d354"
_OFF_ID = "0198c5a2-e5ab-7c1d-84f6-90b1c2d3e465"
_ORGANIZATION_ID = "0198c5a2-f6bc-7a2e-95a7-a1c2d3e4f576"
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
_BUSINESS = {
    "name": "Ada's",
    "timezone": "Europe/Paris",
    "bio": "Six chairs by the river.",
    "address": "1 Rue de Rivoli, Paris",
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
_REFRESH = "kq3tEoO2Q1cYbBq0m9y7l1w8Y4rZf5sXh6uVj2nDa0I"
_TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_MAIL = {
    "at": "2030-01-02T10:11:12Z",
    "kind": "password-changed",
    "to": "grace@example.org",
    "subject": "Your password was changed",
    "text": "Hello Grace Hopper, ...",
}
_API_KEY = {
    "id": "0198c5a2-f1d2-7a3b-9c4d-5e6f708192a3",
    "version": 1,
    "name": "Reception's screen",
    "scopes": ["read"],
    "created_at": "2029-12-01T08:00:00Z",
    "expires_at": _END,
    "used_at": "2030-01-02T10:11:00Z",
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
    "NewCustomer": {**_DETAILS, "organization_id": None},
    "CustomerBody": _DETAILS,
    "CustomerChange": {"phone": None},
    "CustomerShown": {
        "id": _CUSTOMER_ID,
        "version": 1,
        **_DETAILS,
        "organization_id": None,
        "deleted": False,
    },
    "NewOrganization": _BUSINESS,
    "OrganizationBody": _BUSINESS,
    "OrganizationChange": {"bio": None},
    "OrganizationShown": {"id": _ORGANIZATION_ID, "version": 1, **_BUSINESS, "closed": False},
    "NewMember": {"account_id": _OWNER_ID, "rank": "staff"},
    "RankBody": {"rank": "manager"},
    "MemberShown": {"id": _OWNER_ID, "version": 2, "account_id": _OWNER_ID, "rank": "staff"},
    "HolidayBody": {"name": "Christmas"},
    "HolidayShown": {"date": "2030-12-25", "name": "Christmas", "version": 3},
    "Registration": {
        "email": "grace@example.org",
        "password": "a ship in port is safe",
        "name": "Grace Hopper",
        "role": "customer",
        "timezone": "Europe/Paris",
        "language": "en",
    },
    "Proof": {"token": "q1Z8c0nYbW5tVj3kLh7sRd2fGx9aEo4uTi6pMvKzQwE"},
    "Told": {"detail": "If this address can be registered, a mail to it says how to go on."},
    "Proven": {"account_id": _CUSTOMER_ID},
    "MeChange": {"name": "Grace M. Hopper", "timezone": None},
    "UserBody": {
        "email": "grace@example.org",
        "name": "Grace Hopper",
        "role": "auditor",
        "timezone": None,
        "language": "en",
    },
    "UserChange": {"role": "provider"},
    "AccountShown": {
        "id": _CUSTOMER_ID,
        "version": 1,
        "role": "customer",
        "standing": "active",
        "email": "grace@example.org",
        "name": "Grace Hopper",
        "timezone": "Europe/Paris",
        "language": "en",
        "created_at": "2030-01-02T10:11:12Z",
        "forgetting_due": None,
    },
    "Forgetting": {"cancel_appointments": True},
    "ForgettingOther": {"cancel_appointments": True, "at_once": False},
    "Export": {
        "account": {
            "id": _CUSTOMER_ID,
            "version": 1,
            "role": "customer",
            "standing": "active",
            "email": "grace@example.org",
            "name": "Grace Hopper",
            "timezone": "Europe/Paris",
            "language": "en",
            "created_at": "2030-01-02T10:11:12Z",
            "forgetting_due": None,
        },
        "customers": [],
        "providers": [],
        "appointments": [],
        "events": [],
        "sessions": [],
        "mails": [_MAIL],
        "position": 4711,
    },
    "MailShown": {"id": "0198c5a3-0a1b-7c2d-8e3f-b2c3d4e5f6a7", **_MAIL},
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
    "SignInForm": {
        "grant_type": "password",
        "username": "grace@example.org",
        "password": "a quiet harbour at noon",
    },
    "RefreshBody": {"refresh_token": _REFRESH},
    "TokensShown": {
        "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
        "token_type": "bearer",
        "expires_in": 600,
        "refresh_token": _REFRESH,
        "scope": "customer",
    },
    "ForgotBody": {"email": "grace@example.org"},
    "Sent": {"detail": "If this address has an account, a mail to it says how to go on."},
    "ResetBody": {"ticket": _REFRESH, "password": "a quiet harbour at noon"},
    "PasswordChange": {"old": "a quiet harbour at noon", "password": "seven herons over the weir"},
    "PasswordAgain": {"password": "a quiet harbour at noon"},
    "TotpSecret": {"secret": _TOTP, "uri": f"otpauth://totp/Daybook:grace%40example.org?secret={_TOTP}"},
    "CodeBody": {"code": "492039"},
    "CodesEnd": {"password": "a quiet harbour at noon", "code": "492039"},
    "NewApiKey": {"name": "Reception's screen", "scopes": ["read"], "expires_at": _END},
    "ApiKeyName": {"name": "Reception's second screen"},
    "ApiKeyShown": _API_KEY,
    "ApiKeyMade": {**_API_KEY, "secret": f"dbk_0198c5a2f1d27a3b9c4d5e6f708192a3_{_REFRESH}"},
    "Problem": {
        "type": "/problems/slot-taken",
        "title": "This time is no longer free.",
        "status": 409,
        "detail": "This time is no longer free.",
    },
}
