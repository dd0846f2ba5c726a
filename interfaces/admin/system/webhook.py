"""The section of webhooks and their deliveries."""

from interfaces.admin.sections.section import CellKind, Column, Input, PanelForm, Related, Section

_STATE = Column("state", CellKind.VALUE)
_FACTS = (
    Column("organization_id", CellKind.REFERENCE, "organizations"),
    Column("provider_id", CellKind.REFERENCE, "providers"),
)

WEBHOOKS = Section(
    name="webhooks",
    listing="list_webhooks",
    columns=(Column("url"), _STATE, Column("behind"), *_FACTS),
    narrowing=("organization_id", "provider_id"),
    card="get_webhook",
    heading="url",
    facts=(
        _STATE,
        Column("reason", CellKind.VALUE),
        Column("types"),
        Column("behind"),
        Column("position"),
        Column("failing_since", CellKind.MOMENT),
        *_FACTS,
        Column("created_at", CellKind.MOMENT),
    ),
    forms=(
        PanelForm(operation="resume_webhook"),
        PanelForm(operation="redeliver_webhook", inputs=(Input("after", required=True, in_query=True),)),
        PanelForm(operation="delete_webhook", dangerous=True, ends=True),
    ),
    related=(
        Related(
            "list_deliveries",
            (
                Column("at", CellKind.MOMENT),
                Column("type"),
                Column("attempt"),
                Column("status_code"),
                Column("error"),
                Column("took_ms"),
            ),
        ),
    ),
)
