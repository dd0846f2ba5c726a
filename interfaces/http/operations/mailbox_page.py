"""The HTML of the mailbox of DEV. The page runs nothing; a mail's own HTML is shown in a frame of its own."""

from typing import Any

from jinja2 import Environment, StrictUndefined

# Colours follow the system; a mail is shown on white, as most mail programs do.
_PAGES = """
{%- macro page(title) -%}
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{{ title }}</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere }
ul { list-style: none; padding: 0 } li { padding: .6rem 0; border-top: 1px solid #8886 }
.about { opacity: .8; font-size: .875rem } dt { opacity: .8 } dd { margin: 0 0 .5rem }
pre { white-space: pre-wrap } iframe { width: 100%; height: 42rem; border: 1px solid #8886; background: #fff }
input, button { font: inherit; padding: .3rem .5rem; max-width: 100%; box-sizing: border-box }
</style></head>
<body>
{{ caller() }}
</body></html>
{% endmacro -%}
{%- macro about(mail) -%}
to <a href="/dev/mailbox?to={{ mail.to | urlencode }}">{{ mail.to }}</a>, {{ mail.at }}, {{ mail.kind }}
{%- endmacro -%}
{%- macro list() -%}
{% call page("Mailbox") %}
<h1>Mailbox</h1>
<form><label>To <input type="search" name="to" value="{{ to }}"></label> <button>Show</button></form>
{% if mails %}<ul>
{% for mail in mails %}
<li><a href="/dev/mailbox/{{ mail.name }}">{{ mail.subject }}</a>
<div class="about">{{ about(mail) }}</div></li>
{% endfor %}
</ul>{% else %}<p>No mail yet.</p>{% endif %}
{% endcall %}
{%- endmacro -%}
{%- macro show() -%}
{% call page(mail.subject) %}
<p><a href="/dev/mailbox">Mailbox</a></p>
<h1>{{ mail.subject }}</h1>
<p class="about">{{ about(mail) }}</p>
<p>{% for file in mail.files %}
<a href="/dev/mailbox/{{ mail.name }}/files/{{ loop.index0 }}" download>{{ file }}</a>,
{% endfor %}
<a href="/dev/mailbox/{{ mail.name }}/source" download>source</a></p>
{% if mail.has_html %}<h2>HTML</h2>
<iframe title="The mail as HTML" src="/dev/mailbox/{{ mail.name }}/html"
 sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>{% endif %}
<h2>Text</h2>
<pre>{{ mail.text | urlize(target="_blank") }}</pre>
<details><summary>Headers</summary>
<dl>{% for name, value in mail.headers %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}</dl></details>
{% endcall %}
{%- endmacro -%}
"""
_MODULE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def list_page(mails: Any, to: str) -> str:
    """`mails`: the newest first; `to`: the filter."""
    return _rendered("list", mails=mails, to=to)


def mail_page(mail: Any) -> str:
    return _rendered("show", mail=mail)


def _rendered(macro: str, **values: Any) -> str:
    return _MODULE.from_string(_PAGES + "{{ " + macro + "() }}").render(**values).lstrip()
