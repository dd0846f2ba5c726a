"""What a client can do about a problem, by its type or else by its status."""

from collections.abc import Mapping

MEANINGS: Mapping[int, str] = {
    400: "Daybook cannot read the request, or a header or a cursor is not one that it gave out.",
    401: "The request has no valid access token or API key, or the credentials are wrong.",
    403: "The caller is known, but the role, the scopes or the password do not allow the operation.",
    404: "There is no such resource or route, or the caller may not know of it.",
    405: "The route exists, but not for this method.",
    408: "The request did not arrive in time.",
    409: "The request is valid, but the present state of a resource forbids it.",
    410: "What the request is about existed, and has ended.",
    412: "The resource has changed since the version that `If-Match` names.",
    413: "The body is larger than Daybook accepts.",
    414: "The URL is longer than Daybook accepts.",
    415: "The body has another media type than the operation takes.",
    422: "The request is readable, but a field or parameter is missing, unknown, or has a value that is not allowed.",
    428: "The operation changes a resource, and needs the version that the caller has seen.",
    429: "The caller or the caller's network has sent more requests than the limit allows.",
    431: "The headers are larger than Daybook accepts.",
    500: "Daybook has a defect. The request may or may not have had an effect.",
    503: "Daybook cannot answer now: it is overloaded, a server is away, or a read model is behind.",
}
"""What the kinds of problems have in common."""
BY_STATUS: Mapping[int, str] = {
    400: "Correct the request; `detail` says where. Sending it again as it is fails again.",
    401: "Sign in at POST /v1/auth/token, or send an API key, as `Authorization: Bearer <token>`.",
    403: "Use an account that may do this. `required_roles`, where present, names the roles.",
    404: "Check the id or the path. An account that may not know of a resource gets the same answer.",
    405: "Use one of the methods in the `Allow` header.",
    408: "Send the request again, over a connection that is fast enough.",
    409: "Read the resource again and decide: the request conflicts with its present state.",
    410: "Start again: what the request was about has ended.",
    412: "Read the resource again, and send its new `ETag` as `If-Match`.",
    413: "Send less in one request.",
    414: "Shorten the URL: leave out query parameters.",
    415: "Send the `Content-Type` that `detail` names.",
    422: "Correct the fields that `errors` names by their JSON pointers.",
    428: "Read the resource, and send its `ETag` as `If-Match`, or `*` for any version.",
    429: "Wait for the seconds in `Retry-After`.",
    431: "Send fewer or shorter headers.",
    500: "Report it with the `X-Request-ID` of the answer: operators find the fault by it.",
    503: "Send the request again after the seconds in `Retry-After`; a POST with its `Idempotency-Key`.",
}
BY_TYPE: Mapping[str, str] = {
    "bad-cursor": "Start the list again without `cursor`. A cursor is valid for its caller, path and filters only.",
    "beyond-head": "Send a position from an earlier answer of this installation.",
    "key-missing": "Make a UUID for each intention, and send it as `Idempotency-Key`.",
    "invalid-credentials": "Check address and password, or ask for a new one at POST /v1/auth/password/forgot.",
    "totp-required": "Send the form again with the present code of the authenticator as `totp`.",
    "wrong-code": "Send the present code; each code counts once.",
    "slot-taken": "Ask GET /v1/availability for free starts again, and book another one.",
    "off-grid": "Book one of the starts that GET /v1/availability lists.",
    "outside-hours": "Book one of the starts that GET /v1/availability lists.",
    "outside-window": "Book a start within the service's `window`.",
    "too-soon": "Book a later start: the service needs `min_notice` minutes of notice.",
    "not-offered": "Book one of the starts that GET /v1/availability lists.",
    "too-late-to-cancel": "Ask the provider: staff may still cancel.",
    "too-late-to-reschedule": "Ask the provider: staff may still move the appointment.",
    "too-many-reschedules": "Ask the provider: staff may still move the appointment.",
    "request-pending": "Wait until staff confirm or decline, or cancel the request.",
    "appointments-ahead": "Cancel the upcoming appointments first, or say what becomes of them as `detail` says.",
    "hold-expired": "Place a new hold.",
    "hold-used": "Use the appointment that was made from this hold.",
    "key-reused": "Use a new `Idempotency-Key` for a new request.",
    "ticket-void": "Ask for a new code; only the newest one counts.",
    "weak-password": "Choose a longer and less common password.",
    "unknown-zone": "Use a name of the IANA time zone database, such as Europe/Moscow.",
    "webhook-target-refused": "Use a URL with a public address, or let the operator set WEBHOOK_ALLOW_PRIVATE.",
    "text-too-long": "Shorten the texts: note, answers, staff note or metadata.",
    "text-budget-spent": "Keep what is there: every version of it is stored for ever.",
    "too-many-keys": "Delete an API key that is no longer used.",
    "role-cannot-join": "Invite the person by e-mail: who accepts becomes a provider.",
    "invitation-over": "Ask for a new invitation.",
    "too-many-invitations": "Withdraw an open invitation first.",
    "last-owner": "Make another member owner first.",
    "last-admin": "Make another account admin first.",
    "figures-too-slow": "Ask for a shorter period, for fewer dimensions, or for one organization or provider.",
    "too-many-rows": "Ask for a shorter period, a longer step such as `month`, or fewer dimensions.",
    "behind": "Send the request again: the read model needs a moment to show your last write.",
}


def description(title: str, status: int) -> str:
    """The problem in two sentences: this type, and its kind."""
    return f"{title} {MEANINGS[status]}"


def advice(name: str, status: int) -> str:
    return BY_TYPE.get(name) or BY_STATUS[status]
