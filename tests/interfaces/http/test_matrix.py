"""Who may do what to whose: every operation of the OpenAPI document, asked by everybody."""

from collections.abc import AsyncIterator, Iterable, Mapping

import httpx
import pytest
import pytest_asyncio

from application.access import ACCESS
from domain.kernel import new_id
from interfaces.http.app import build
from interfaces.http.openapi import routes_of
from tests.interfaces.http.asked import asked, operations
from tests.interfaces.http.conftest import lift_limits, opened
from tests.interfaces.http.tenants import CALLERS, Tenants, tenants
from tests.interfaces.http.town import problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Written by hand, from what people are promised; nothing here is computed by the program that it judges.
# + it is done; . forbidden; - no such thing, as far as they know; ? who are you; ! what the body names does
# not exist, as far as they know (422); c a fact stands against it (409), which only they see who may.
# The things are those of the first organization; see tests/interfaces/http/tenants.py.
_TABLE = """
                             anon cust stra | owne chie mana staf | fore lone form | admi audi anal
get_liveness                   +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
get_readiness                  +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
list_problem_types             +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
get_problem_type               +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +

find_starts                    +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
find_earliest_starts           +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
explain_availability           +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
explain_availability:then      ?    .    .  |   -    +    -    -  |   -    -    -  |   +    +    .

place_hold                     ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
list_holds                     ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    .
get_hold                       ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
extend_hold                    ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
release_hold                   ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .

book_appointment               ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
list_appointments              ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    .
get_appointment                ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
get_appointment:claimed        ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
get_appointment_history        ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
list_notices                   ?    .    .  |   +    +    +    +  |   -    -    -  |   +    +    .
change_appointment             ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
delete_appointment             ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
confirm_appointment            ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
decline_appointment            ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
reschedule_appointment         ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
cancel_appointment             ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
keep_appointment               ?    .    .  |   c    c    c    c  |   -    -    -  |   c    .    .
ask_to_rebook                  ?    .    .  |   c    c    c    c  |   -    -    -  |   c    .    .
check_in_appointment           ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
complete_appointment           ?    .    .  |   c    c    c    c  |   -    -    -  |   c    .    .
mark_no_show                   ?    .    .  |   c    c    c    c  |   -    -    -  |   c    .    .
undo_no_show                   ?    .    .  |   c    c    c    c  |   -    -    -  |   c    .    .

join_waitlist                  ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
list_waitlist                  ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    .
get_waitlist_entry             ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
leave_waitlist                 ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
make_offer                     ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
accept_offer                   ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .

list_providers                 +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
get_provider                   +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
create_provider                ?    .    .  |   +    +    +    +  |   +    +    +  |   +    .    .
create_provider:organization   ?    .    .  |   !    +    +    !  |   !    !    !  |   +    .    .
replace_provider               ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .
change_provider                ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .
delete_provider                ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .
pause_provider                 ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .
resume_provider                ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .

get_opening_hours              +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
get_schedule                   ?    .    .  |   +    +    +    +  |   -    -    -  |   +    +    .
preview_schedule               ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
replace_schedule               ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
replace_override               ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
delete_override                ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
create_time_off                ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
list_time_off                  ?    .    .  |   +    +    +    +  |   -    -    -  |   +    +    .
get_time_off                   ?    .    .  |   +    +    +    +  |   -    -    -  |   +    +    .
replace_time_off               ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
delete_time_off                ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .

list_services                  +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
get_service                    +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
create_service                 ?    .    .  |   +    +    +    !  |   !    !    !  |   +    .    .
replace_service                ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .
change_service                 ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .
delete_service                 ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .
pause_service                  ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .
resume_service                 ?    .    .  |   +    +    +    -  |   -    -    -  |   +    .    .

create_customer                ?    c    c  |   +    +    +    +  |   +    +    +  |   +    .    .
create_customer:organization   ?    !    !  |   +    +    +    +  |   !    !    !  |   +    .    .
list_customers                 ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    .
get_customer                   ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
get_customer:guest             ?    -    -  |   +    +    +    +  |   -    -    -  |   +    +    .
get_customer:claimed           ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
list_customer_duplicates       ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
replace_customer               ?    +    -  |   -    -    -    -  |   -    -    -  |   +    .    .
change_customer                ?    +    -  |   -    -    -    -  |   -    -    -  |   +    .    .
change_customer:guest          ?    -    -  |   +    +    +    +  |   -    -    -  |   +    .    .
change_customer:claimed        ?    +    -  |   +    +    +    +  |   -    -    -  |   +    .    .
delete_customer                ?    +    -  |   -    -    -    -  |   -    -    -  |   +    .    .
delete_customer:guest          ?    -    -  |   +    +    +    +  |   -    -    -  |   +    .    .
merge_customer                 ?    .    .  |   +    +    +    +  |   -    -    -  |   +    .    .
merge_customer:account         ?    .    .  |   -    -    -    -  |   -    -    -  |   c    .    .
give_consent                   ?    +    -  |   -    -    -    -  |   -    -    -  |   +    .    .
give_consent:guest             ?    -    -  |   +    +    +    +  |   -    -    -  |   +    .    .
list_consents                  ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
get_consent                    ?    +    -  |   -    -    -    -  |   -    -    -  |   +    +    .
get_consent:guest              ?    -    -  |   +    +    +    +  |   -    -    -  |   +    +    .
get_consent:claimed            ?    +    -  |   +    +    +    +  |   -    -    -  |   +    +    .
withdraw_consent               ?    +    -  |   -    -    -    -  |   -    -    -  |   +    .    .
withdraw_consent:guest         ?    -    -  |   +    +    +    +  |   -    -    -  |   +    .    .
erase_customer                 ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .

list_organizations             +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
get_organization               +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
create_organization            ?    .    .  |   +    +    +    +  |   +    +    +  |   +    .    .
replace_organization           ?    .    .  |   .    +    +    .  |   -    -    -  |   +    .    .
change_organization            ?    .    .  |   .    +    +    .  |   -    -    -  |   +    .    .
delete_organization            ?    .    .  |   .    +    .    .  |   -    -    -  |   +    .    .
list_members                   ?    -    -  |   +    +    +    +  |   -    -    -  |   +    +    .
get_member                     ?    -    -  |   +    +    +    +  |   -    -    -  |   +    +    .
add_member                     ?    .    .  |   .    +    +    .  |   -    -    -  |   +    .    .
change_member                  ?    .    .  |   .    +    .    .  |   -    -    -  |   +    .    .
remove_member                  ?    -    -  |   .    +    +    .  |   -    -    -  |   +    .    .
invite_member                  ?    .    .  |   .    +    +    .  |   -    -    -  |   +    .    .
list_invitations               ?    .    .  |   .    +    +    .  |   -    -    -  |   +    +    .
get_invitation                 ?    .    .  |   .    +    +    .  |   -    -    -  |   +    +    .
withdraw_invitation            ?    .    .  |   .    +    +    .  |   -    -    -  |   +    .    .
accept_invitation              ?    +    -  |   -    -    -    -  |   -    -    -  |   -    -    -
decline_invitation             ?    +    -  |   -    -    -    -  |   -    -    -  |   -    -    -
list_holidays                  +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
replace_holiday                ?    .    .  |   .    +    +    .  |   -    -    -  |   +    .    .
delete_holiday                 ?    .    .  |   .    +    +    .  |   -    -    -  |   +    .    .

list_tags                      +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
get_tag                        +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
create_tag                     ?    .    .  |   +    +    +    +  |   +    +    +  |   +    .    .
replace_tag                    ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
merge_tag                      ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
delete_tag                     ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .

create_user                    ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
list_users                     ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
get_user                       ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
change_user                    ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
delete_user                    ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
end_user_sessions              ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
request_user_erasure           ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
cancel_user_erasure            ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .

get_me                         ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
change_me                      ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
export_account                 ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
list_sent_mails                ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
request_erasure                ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
cancel_erasure                 ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +

register_account               +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
verify_email                   +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
sign_in                        +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
refresh_session                +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
request_password_reset         +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
reset_password                 +    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
sign_out                       ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
list_sessions                  ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
end_session                    ?    +    -  |   -    -    -    -  |   -    -    -  |   -    -    -
end_other_sessions             ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
change_password                ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
start_totp                     ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
confirm_totp                   ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
renew_recovery_codes           ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
stop_totp                      ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
create_api_key                 ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
list_api_keys                  ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    +
get_api_key                    ?    -    -  |   +    -    -    -  |   -    -    -  |   -    -    -
change_api_key                 ?    -    -  |   +    -    -    -  |   -    -    -  |   -    -    -
delete_api_key                 ?    -    -  |   +    -    -    -  |   -    -    -  |   -    -    -

create_webhook                 ?    .    .  |   +    +    +    !  |   !    !    !  |   +    .    .
create_webhook:organization    ?    .    .  |   !    +    +    !  |   !    !    !  |   +    .    .
list_webhooks                  ?    .    .  |   +    +    +    +  |   +    +    +  |   +    .    .
get_webhook                    ?    .    .  |   +    -    -    -  |   -    -    -  |   +    .    .
get_webhook:organization       ?    .    .  |   -    +    +    -  |   -    -    -  |   +    .    .
get_webhook:managed            ?    .    .  |   -    +    +    -  |   -    -    -  |   +    .    .
change_webhook                 ?    .    .  |   +    -    -    -  |   -    -    -  |   +    .    .
change_webhook:organization    ?    .    .  |   -    +    +    -  |   -    -    -  |   +    .    .
delete_webhook                 ?    .    .  |   +    -    -    -  |   -    -    -  |   +    .    .
delete_webhook:organization    ?    .    .  |   -    +    +    -  |   -    -    -  |   +    .    .
rotate_webhook_secret          ?    .    .  |   +    -    -    -  |   -    -    -  |   +    .    .
rotate_webhook_secret:managed  ?    .    .  |   -    +    +    -  |   -    -    -  |   +    .    .
resume_webhook                 ?    .    .  |   +    -    -    -  |   -    -    -  |   +    .    .
redeliver_webhook              ?    .    .  |   +    -    -    -  |   -    -    -  |   +    .    .
redeliver_webhook:organization ?    .    .  |   -    +    +    -  |   -    -    -  |   +    .    .
list_deliveries                ?    .    .  |   +    -    -    -  |   -    -    -  |   +    .    .
list_deliveries:organization   ?    .    .  |   -    +    +    -  |   -    -    -  |   +    .    .

get_ledger                     ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
verify_ledger                  ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
start_ledger_verification      ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
get_ledger_verification        ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
get_inclusion_proof            ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
get_consistency_proof          ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
get_position                   ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
get_past_state                 ?    .    .  |   -    +    -    -  |   -    -    -  |   +    +    .
get_past_state:guest           ?    .    .  |   -    +    -    -  |   -    -    -  |   +    +    .
get_past_state:account         ?    .    .  |   -    -    -    -  |   -    -    -  |   +    +    .
get_state_difference           ?    .    .  |   -    +    -    -  |   -    -    -  |   +    +    .
get_stream_history             ?    .    .  |   -    +    -    -  |   -    -    -  |   +    +    .
list_views                     ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
search_events                  ?    .    .  |   +    +    +    +  |   +    +    +  |   +    +    .
get_request_chain              ?    .    .  |   -    +    -    -  |   -    -    -  |   +    +    .
list_security_events           ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .

list_events                    ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    .
stream_events                  ?    +    +  |   +    +    +    +  |   +    +    +  |   +    +    .

list_metrics                   ?    .    .  |   +    +    +    +  |   +    +    +  |   +    .    +
get_metric                     ?    .    .  |   .    +    +    .  |   -    -    -  |   +    .    +

list_jobs                      ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
get_job                        ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
retry_job                      ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
list_projections               ?    .    .  |   .    .    .    .  |   .    .    .  |   +    +    .
resume_projection              ?    .    .  |   .    .    .    .  |   .    .    .  |   +    .    .
"""
MEANING = {"?": 401, ".": 403, "-": 404, "c": 409, "!": 422}


def _read(table: str) -> Mapping[str, Mapping[str, str]]:
    head, *rows = [line.replace("|", "").split() for line in table.splitlines() if line.strip()]
    assert head == [name[:4] for name in CALLERS]
    return {row[0]: dict(zip(CALLERS, row[1:], strict=True)) for row in rows}


TABLE = _read(_TABLE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(servers, new_database, tmp_path_factory) -> AsyncIterator[Tenants]:
    """One for all rows: whatever a row uses up, it makes itself."""
    database = new_database()
    with pytest.MonkeyPatch.context() as patch:
        lift_limits(patch)
        async with opened(database, servers.redis_url, tmp_path_factory.mktemp("matrix")) as api:
            it = await tenants(api, database)
            with it.watch:
                yield it


async def test_every_route_is_in_this_table_and_in_that_of_access() -> None:
    routes = {str(route.operation_id) for route in routes_of(build())}
    for table, where in ((_operations(TABLE), "this table"), (set(ACCESS), "application/access.py")):
        missing, stale = sorted(routes - table), sorted(table - routes)
        assert not missing, f"say who may do {missing} in {where}: a line each"
        assert not stale, f"there is no such operation as {stale} any more: drop the line in {where}"


def _operations(rows: Iterable[str]) -> set[str]:
    return {row.partition(":")[0] for row in rows}


@pytest.mark.parametrize("row", TABLE)
async def test_everybody_gets_what_the_table_says(it: Tenants, row: str) -> None:
    wrong = []
    for caller, cell in sorted(TABLE[row].items(), key=lambda each: each[1] in "+c"):  # the denied come first
        found = await _deviation(it, row, caller, cell)
        if found:
            wrong.append(f"{caller}: {found}")
    assert not wrong, f"{row} is not as the table says: " + "; ".join(wrong)


LISTED = {
    "list_appointments": {
        "get_appointment": "appointment_id",
        "get_appointment:claimed": "claimed_appointment_id",
    },
    "list_waitlist": {"get_waitlist_entry": "waiting_id"},
    "list_customers": {
        "get_customer": "customer_id",
        "get_customer:claimed": "claimed_id",
        "get_customer:guest": "guest_id",
    },
}


@pytest.mark.parametrize("row", LISTED)
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_list_has_what_one_may_look_at_and_no_more(it: Tenants, row: str, caller: str) -> None:
    if TABLE[row][caller] != "+":
        return
    theirs = {it.names[name] for get, name in LISTED[row].items() if TABLE[get][caller] == "+"}
    assert await _listed(it, row, caller) & {it.names[name] for name in LISTED[row].values()} == theirs


async def _listed(it: Tenants, row: str, caller: str) -> set[str]:
    path = (await asked(it, row, caller)).path
    ids: set[str] = set()
    more = ""
    while more is not None:
        page = (await it.api.get(f"{path}?limit=200{more and f'&cursor={more}'}", it.callers[caller])).json()
        ids |= {item["id"] for item in page["items"]}
        more = page["next"]
    return ids


POSITIONED = [
    operation
    for operation, (_, _, described) in operations().items()
    if any(each["name"] == "Daybook-Position" for each in described.get("parameters", []))
]


@pytest.mark.parametrize("operation", POSITIONED)
async def test_every_documented_position_is_read(it: Tenants, operation: str) -> None:
    caller = next(name for name, cell in TABLE[operation].items() if cell == "+" and name != "anon")
    request = await asked(it, operation, caller)
    answer = await it.api.ask("GET", request.path, request.by, daybook_position="sP")
    assert problem(answer) == (400, "malformed")


async def _deviation(it: Tenants, row: str, caller: str, cell: str) -> str:
    """What is not as it should be."""
    request = await asked(it, row, caller)
    await it.api.catch_up()
    before = it.recorded()
    answer = await request.answer(it)
    if cell == "+":
        return "" if answer.is_success else f"{answer.status_code} {answer.text}"
    if answer.status_code != MEANING[cell]:
        return f"{answer.status_code} in place of {MEANING[cell]} {answer.text[:200]}"
    if it.recorded() != before:
        return "what is refused was recorded"
    if cell == "-" and request.whose is not None:
        id = str(new_id()) if "-" in request.whose else new_id().hex
        unknown = await request.of(id).answer(it)
        told = answer.status_code, answer.text, _headers(answer)
        if told != (unknown.status_code, unknown.text.replace(id, request.whose), _headers(unknown)):
            return f"an id that never was is answered otherwise: {unknown.text}, {answer.text}"
    return ""


def _headers(answer: httpx.Response) -> Mapping[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}
