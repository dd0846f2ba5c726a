"""Sign in with a browser, for the admin panel: a session whose cookie is the only way in."""

from application.access import PANEL_ROLES, Caller, Role
from application.identity.session import SignIn, Signing, account_holder, check_credentials
from application.identity.sessions import Session
from domain.errors import Forbidden, Unauthenticated


async def sign_in_browser(cmd: SignIn, signing: Signing) -> tuple[Session, str]:
    """Open a browser session; returns its secret too. Raises as `check_credentials` does, and Forbidden."""
    proven = await check_credentials(cmd, signing)
    if proven.role not in PANEL_ROLES:
        raise Forbidden(f"The role `{proven.role}` may not use the admin panel.")
    session, secret = await signing.browsers.open(proven.account_id, cmd.client, proven=proven.password)
    await signing.security.note("login", proven.account_id, network=cmd.network, session=str(session.id))
    return session, secret


async def browser_caller(secret: str, signing: Signing, *, renews: bool = True) -> Caller:
    """The account of a browser session, in the role that it has now. Raises Unauthenticated, Forbidden.

    `renews`: whether the session lasts longer by that, as it does for whatever a person does.
    """
    session = await signing.browsers.find(secret, renews=renews)
    if session is None:
        raise Unauthenticated("The session has ended. Sign in again.")
    holder = (await account_holder(signing, id=session.account_id)).aggregate
    if not holder.active:
        await signing.sessions.end(session.account_id)
        raise Unauthenticated("The session has ended. Sign in again.")
    if (role := Role(holder.role)) not in PANEL_ROLES:
        raise Forbidden(f"The role `{role}` may not use the admin panel.")
    return Caller(session.account_id, role, session=session.id)
