"""What a customer sees of Daybook, for an admin who looks over their shoulder: a page without a form."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from application.access import Role, permit
from application.identity.session import account_holder
from application.seen import SEE_AS
from domain.errors import NotFound
from interfaces.admin.operations import Call, context_of, run
from interfaces.admin.page import View
from interfaces.admin.request import PanelRequest
from interfaces.admin.sections.cells import Row, cells, references
from interfaces.admin.sections.names import names_of
from interfaces.admin.sections.section import NOW, CellKind, Column, Related

OPERATION = "get_user"
"""Those who may open the card of any account may look as its holder, if that is a customer."""
MOST = "50"
FACTS = (
    Column("name"),
    Column("email"),
    Column("phone"),
    Column("timezone"),
    Column("language"),
    Column("reminders"),
    Column("created_at", CellKind.MOMENT),
)
_VISIT = (
    Column("start", CellKind.MOMENT, zone="timezone"),
    Column("service_id", CellKind.REFERENCE, "services"),
    Column("provider_id", CellKind.REFERENCE, "providers"),
    Column("status", CellKind.VALUE),
    Column("note"),
)
_WAITS = (
    Column("service_id", CellKind.REFERENCE, "services"),
    Column("provider_id", CellKind.REFERENCE, "providers"),
    Column("dates.from", CellKind.DAY),
    Column("dates.to", CellKind.DAY),
    Column("status", CellKind.VALUE),
    Column("offer.start", CellKind.MOMENT, zone="timezone"),
    Column("offer.expires_at", CellKind.MOMENT, zone="timezone"),
)
_RECORD = (
    Column("name"),
    Column("email"),
    Column("phone"),
    Column("note"),
    Column("organization_id", CellKind.REFERENCE, "organizations"),
)
LISTS = (
    Related("list_appointments", _VISIT, given={"from": NOW, "limit": MOST}, name="next_appointments"),
    Related("list_appointments", _VISIT, given={"to": NOW, "sort": "-start", "limit": MOST}, name="past_appointments"),
    Related("list_waitlist", _WAITS, given={"limit": MOST}),
    Related("list_customers", _RECORD, given={"limit": MOST}),
)


async def show_seen(asked: PanelRequest) -> View:
    """Raises NotFound for an account that is no customer's, and Unavailable where the look can't be recorded."""
    id = UUID(str(asked.request.path_params["id"]))
    permit(asked.caller, OPERATION)
    holder = (await account_holder(asked.ports.identity.signing, id=id)).aggregate
    if holder.role != Role.CUSTOMER or not holder.active:
        raise NotFound("customer", id)
    await context_of(asked, OPERATION).record_view(id, SEE_AS)
    seen = asked.seen_as(id)
    me: Row = (await run(seen, Call("get_me"))).body
    lists = [(each, await _rows(seen, each)) for each in LISTS]
    values = {
        "id": id,
        "name": me["name"] or asked.language.say("nameless"),
        "facts": cells(me, FACTS, asked.language, {}),
        "lists": [await _table(seen, each, rows) for each, rows in lists],
    }
    return View("see_as", values)


async def _rows(seen: PanelRequest, each: Related) -> Sequence[Row]:
    now = f"{seen.ports.store.now():%Y-%m-%dT%H:%M:%SZ}"
    query = {name: now if text == NOW else text for name, text in each.given.items()}
    rows: Sequence[Row] = (await run(seen, Call(each.operation, query=query))).body["items"]
    return rows


async def _table(seen: PanelRequest, each: Related, rows: Sequence[Row]) -> Mapping[str, Any]:
    names = await names_of(seen, references(rows, each.columns))
    return {
        "name": each.name or each.operation,
        "labels": [seen.language.say(f"field.{column.name}") for column in each.columns],
        "rows": [cells(row, each.columns, seen.language, names) for row in rows],
    }
