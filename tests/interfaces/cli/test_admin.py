"""The first admin, made on the command line of an empty and of a running system."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.instances import Instance, a_folder, ask, clean_environment

PASSWORD = "a ship in port is safe"


def create(data: Path, email: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    return admin(data, "create", "--email", email, "--password-stdin", said=f"{password}\n")


def admin(data: Path, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "interfaces.cli", "admin", *arguments, "--data", str(data)],
        input=said,
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
        timeout=600,
    )


def test_an_admin_is_made_on_an_empty_and_on_a_running_system() -> None:
    with a_folder("daybook-admin-") as data:
        made = create(data, "ada@example.org")
        assert made.returncode == 0, made.stderr
        assert PASSWORD not in made.stdout + made.stderr
        with Instance.start(data, apis=1) as instance:
            assert create(data, "bea@example.org").returncode == 0
            joined = "SELECT convert_from(state, 'UTF8') FROM log.stored_events WHERE topic = 'Admins.Joined'"
            accounts = {json.loads(str(state))["account_id"]["_data_"] for (state,) in ask(instance.database, joined)}
            kept = {
                str(id).replace("-", "") for (id,) in ask(instance.database, "SELECT account_id FROM auth.credential")
            }
            assert len(accounts & kept) >= 2
            for email, password, status in (
                ("ada@example.org", PASSWORD, 1),
                ("carl@example.org", "short", 1),
                ("carl", PASSWORD, 2),
            ):
                refused = create(data, email, password)
                assert refused.returncode == status
                assert refused.stderr.count("\n") == 1, refused.stderr
            for email in ("ada@example.org", "nobody@example.org"):
                refused = admin(data, "reset-totp", "--email", email)
                assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
            ask(instance.database, "UPDATE auth.credential SET totp = 'sealed', totp_confirmed = true")
            reset = admin(data, "reset-totp", "--email", "ada@example.org")
            assert reset.returncode == 0, reset.stderr
            off = ask(instance.database, "SELECT account_id FROM auth.credential WHERE NOT totp_confirmed")
            recorded = "SELECT account_id FROM auth.security_log WHERE kind = 'totp_reset'"
            assert off == ask(instance.database, recorded)
            assert len(off) == 1


@pytest.mark.parametrize("missing", ["--email"])
def test_it_says_what_it_needs(missing: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "interfaces.cli", "admin", "create"],
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    assert said.returncode == 2
    assert missing in said.stderr
