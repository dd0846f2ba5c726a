"""Make the tables, staff with a service, and signed-in customers; print them as JSON.

python prepare.py STAFF CUSTOMERS
"""

# ruff: noqa: E402  models can be imported when Django is set up

import json
import sys
from datetime import time, timedelta
from importlib import import_module

import django

django.setup()

from appointment.models import Config, Service, StaffMember, WorkingHours
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.core.management import call_command

User = get_user_model()


def staff(service: Service, number: int) -> int:
    """Somebody who works all day, every day."""
    user = User.objects.create(username=f"staff{number}", first_name="Ada", email=f"staff{number}@peer.test")
    member = StaffMember.objects.create(user=user, slot_duration=30, lead_time=time(0), finish_time=time(23, 59))
    member.services_offered.add(service)
    for day in range(7):
        hours = {"start_time": time(0), "end_time": time(23, 59)}
        WorkingHours.objects.create(staff_member=member, day_of_week=day, **hours)
    return member.pk


def signed_in(number: int) -> str:
    """The cookie of a new customer's session."""
    user = User.objects.create(username=f"customer{number}", first_name="Ben", email=f"customer{number}@peer.test")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def main(members: int, customers: int) -> None:
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)  # django-appointment comes without migrations
    Config.objects.create(slot_duration=30, lead_time=time(0), finish_time=time(23, 59), appointment_buffer_time=0)
    service = Service.objects.create(name="Haircut", duration=timedelta(minutes=30), price=25)
    found = {
        "service": service.pk,
        "staff": [staff(service, number) for number in range(members)],
        "cookies": [signed_in(number) for number in range(customers)],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
