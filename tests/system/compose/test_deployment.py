"""Both compose files, from a clean copy: prepare, up, register, prove the address, book, be reminded; down."""

from __future__ import annotations

from tests.system.compose.deployment import Deployment, MailCatcher, text_of
from tests.system.compose.salon import PASSWORD, open_salon, remind_within_a_minute, signed_up


def test_the_story(deployment: Deployment, catcher: MailCatcher) -> None:
    with deployment.client() as web:
        assert web.get("/health/ready").json()["status"] == "ready"
        owner, customer = signed_up(web, catcher, "provider"), signed_up(web, catcher, "customer")
        email = customer.pop("email")
        owner.pop("email")
        salon = open_salon(web, owner)
        remind_within_a_minute(web, owner, salon)
        booked = web.post(
            "/v1/appointments",
            json={"service_id": salon.service, "start": salon.starts[0]},
            headers=customer | {"Idempotency-Key": "first"},
        )
        assert booked.status_code == 201, booked.text
        for subject in ("Booked: Haircut", "Reminder: Haircut"):
            assert "Ada" in text_of(catcher.to(email, subject=subject))


def test_the_panel_has_a_process_of_its_own(deployment: Deployment) -> None:
    published = (
        "" if deployment.url.startswith("https") else f"http://{deployment.compose('port', 'panel', '8000').strip()}"
    )
    with deployment.client() as web:
        page = web.get(f"{published}/admin/sign-in")
        assert (page.status_code, 'action="/admin/sign-in"' in page.text) == (200, True), page.text
        assert web.get(f"{published}/admin").headers["location"].startswith("/admin/sign-in")
    asked = "import http.client as c; web = c.HTTPConnection('127.0.0.1', 8000); web.request('GET', '/admin/sign-in')"
    answered = deployment.compose("exec", "-T", "api", "python", "-c", f"{asked}; print(web.getresponse().status)")
    assert answered.strip() == "404", "the processes of the API have nothing of the panel"


def test_an_operator_makes_the_first_admin(deployment: Deployment) -> None:
    command = [
        "docker",
        "compose",
        "-f",
        deployment.file,
        "-f",
        "test.yml",
        "run",
        "--rm",
        "-T",
        "migrate",
        "admin",
        "create",
    ]
    made = deployment.run(
        "sh", "-c", f"echo '{PASSWORD} and more' | {' '.join(command)} --email admin@example.org --password-stdin"
    )
    assert "is an admin" in made
