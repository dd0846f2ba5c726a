"""One request to the panel: who asks, in which language, and what the form says."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from starlette.requests import Request

from application.access import ACCESS, Caller, Role, Scope, permit
from application.identity.browser_session import browser_caller
from domain.errors import Forbidden, Unauthenticated
from interfaces.admin.cookies import form_token, is_form_token, language_of, secret_of
from interfaces.admin.frame import Frame
from interfaces.admin.wording import Language, Wording
from interfaces.http.framework.ports import Ports
from interfaces.http.framework.request_errors import Malformed, TooLarge

LARGEST_FORM = 1_000_000  # bytes
MOST_FIELDS = 200
AUTOMATIC = "auto"
"""The parameter of a page that refreshes itself, by which nobody stays signed in."""


class ForeignForm(Forbidden):
    """This form is not of your session. Open the page again."""


class ShownSetting(NamedTuple):
    """A setting of this process. `value`: without secrets, empty if it has none; `source`: where it comes from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class Panel:
    """The parts that all pages share. `public_url`: the address at which browsers reach it."""

    frame: Frame
    wording: Wording
    public_url: str
    settings: Sequence[ShownSetting] = ()

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")


class PanelRequest:
    """`form`: its fields, empty for GET. `caller`: the person, once `admit` has found the session.

    `acting`: the customer as whom an admin looks.
    """

    def __init__(self, request: Request, panel: Panel) -> None:
        self.request, self.panel = request, panel
        self.ports: Ports = request.scope["app"].state.ports
        self.acting: Caller | None = None
        self.form: Mapping[str, str] = {}
        self.query = dict(request.query_params)
        self.secret = secret_of(request, https=panel.https)
        self.language: Language = panel.wording.of(language_of(request), request.headers.get("accept-language", ""))

    @property
    def caller(self) -> Caller:
        found: Caller | None = self.acting or self.request.scope.get("caller")
        if found is None:
            raise Unauthenticated
        return found

    @property
    def is_signed_in(self) -> bool:
        return self.request.scope.get("caller") is not None

    @property
    def network(self) -> str:
        """The client's network address."""
        return self.ports.abuse.networks.of(self.request.scope)

    @cached_property
    def form_token(self) -> str:
        return form_token(self.secret)

    def seen_as(self, customer: UUID) -> "PanelRequest":
        """This request as the customer would make it, who looks and changes nothing."""
        seen, admin = copy(self), self.caller
        seen.acting = Caller(customer, Role.CUSTOMER, session=admin.session, seen_by=admin.account)
        return seen

    def may(self, operation: str) -> bool:
        """Whether the person's role is granted the operation; whether on this thing, the operation itself decides."""
        return self.caller.role in ACCESS[operation]

    @property
    def sees_own(self) -> bool:
        """Whether what belongs to others does not exist for the person."""
        return permit(self.caller, "list_appointments") is Scope.OWN

    async def admit(self) -> None:
        """Find the session and its person, whose role and standing count as they are now. Raises Unauthenticated."""
        if not self.secret:
            raise Unauthenticated("Sign in first.")
        renews = AUTOMATIC not in self.query
        self.request.scope["caller"] = await browser_caller(self.secret, self.ports.identity.signing, renews=renews)

    def check_origin(self) -> None:
        """Raise ForeignForm unless the form was sent by a page of this installation."""
        sent = urlsplit(self.request.headers.get("origin", ""))
        ours = {self.request.headers.get("host"), urlsplit(self.panel.public_url).netloc}
        if not sent.netloc or sent.netloc not in ours:
            raise ForeignForm

    def check_token(self) -> None:
        """Raise ForeignForm unless the form is of this session."""
        if not is_form_token(self.form.get("csrf", ""), self.secret):
            raise ForeignForm

    async def read_form(self) -> None:
        """Read the body; raises TooLarge, Malformed. Of a name that is sent twice, the values are joined by commas."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        length = self.request.headers.get("content-length", "0")
        raw = bytearray()
        if length.isdigit() and int(length) <= LARGEST_FORM:
            async for part in self.request.stream():
                raw += part
                if len(raw) > LARGEST_FORM:
                    break
        if len(raw) > LARGEST_FORM or not length.isdigit() or int(length) > LARGEST_FORM:
            raise TooLarge(f"A form may have at most {LARGEST_FORM} bytes.")
        if raw and kind != "application/x-www-form-urlencoded":
            raise Malformed("The body must be a form.")
        self.form = _fields(bytes(raw))


def _fields(raw: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Malformed("The form must be percent-encoded UTF-8.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found
