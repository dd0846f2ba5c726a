"""The section of accounts: who can sign in, and in which role."""

from application.access import Role
from domain.people.account_status import AccountStatus
from interfaces.admin.sections.ending import ENDING
from interfaces.admin.sections.section import CardPage, CellKind, Column, Input, InputKind, PanelForm, Section

_ROLES = tuple(str(role) for role in Role if role is not Role.ANONYMOUS)
_STANDING = Column("standing", CellKind.VALUE)
_ROLE = Column("role", CellKind.VALUE)

ACCOUNTS = Section(
    name="accounts",
    listing="list_users",
    columns=(Column("name"), Column("email"), _ROLE, _STANDING, Column("created_at", CellKind.MOMENT)),
    filters=(
        Input("q"),
        Input("role", InputKind.CHOICE, ("", *_ROLES)),
        Input("standing", InputKind.CHOICE, ("", *(str(each) for each in AccountStatus))),
    ),
    card="get_user",
    facts=(
        Column("email"),
        Column("phone"),
        _ROLE,
        _STANDING,
        Column("timezone"),
        Column("language"),
        Column("created_at", CellKind.MOMENT),
        Column("forgetting_due", CellKind.MOMENT),
    ),
    pages=(CardPage("see_as.title", "see-as", only=("role", str(Role.CUSTOMER))),),
    create=PanelForm(
        operation="create_user",
        inputs=(
            Input("name", required=True),
            Input("email", InputKind.EMAIL, required=True),
            Input("role", InputKind.CHOICE, _ROLES, required=True, first=str(Role.PROVIDER)),
            Input("timezone"),
            Input("language", InputKind.CHOICE, ("", "en", "ru")),
            Input("phone"),
        ),
    ),
    forms=(
        PanelForm(operation="change_user", inputs=(Input("role", InputKind.CHOICE, _ROLES),), edits=True),
        PanelForm(operation="end_user_sessions", dangerous=True),
        PanelForm(operation="delete_user", inputs=ENDING, dangerous=True),
        PanelForm(operation="request_user_erasure", dangerous=True),
        PanelForm(operation="cancel_user_erasure"),
    ),
)
