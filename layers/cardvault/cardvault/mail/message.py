"""The e-mail messages to customers: each one in every language, as HTML and as plain text.

A file `templates/<language>/<template>.j2` sets the parts of a message, `layout.html` and
`layout.txt` put them together. Every value is escaped in HTML; no part ever holds a card's code.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cardvault.orders.recipient import LANGUAGES

_TEMPLATES = Path(__file__).parent / "templates"
_RIGHT_TO_LEFT = {"ar"}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
}


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """An e-mail message, ready to be sent. `name` is its template's, such as `delivery`."""

    name: str
    subject: str
    text: str
    html: str


def long_date(moment: datetime, language: str) -> str:
    """A moment in UTC as people of that language write it: `9 January 2026, 03:04 UTC`."""
    at = moment.astimezone(UTC)
    month = _MONTHS[language].split()[at.month - 1]
    day = "1er" if language == "fr" and at.day == 1 else str(at.day)
    comma = "،" if language == "ar" else ","
    return f"{day} {month} {at.year}{comma} {at:%H:%M} UTC"


def plural(count: int, language: str) -> str:
    """The plural category of a number of things: one, two, few, many or other.

    Source: Unicode CLDR, language plural rules (cardinal, whole numbers).
    """
    if language == "ar":
        if count in {1, 2}:
            return ("one", "two")[count - 1]
        rest = count % 100
        return "few" if 3 <= rest <= 10 else "many" if rest >= 11 else "other"
    return "one" if count == 1 or (language == "fr" and count == 0) else "other"


def _environment(*, escape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=escape,  # noqa: S701 - only plain text goes without
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(long_date=long_date, plural=plural)
    return environment


_ESCAPING = _environment(escape=True)
_PLAIN = _environment(escape=False)


def render(template: str, language: str | None, /, **values: Any) -> RenderedEmail:
    """The template's message in a language, in English if there is none in that language.

    Values are texts on one line: a line break in them becomes a space.
    """
    lang = language if language in LANGUAGES else LANGUAGES[0]
    flat = {key: _one_line(value) for key, value in values.items()}
    given = {**flat, "lang": lang, "direction": "rtl" if lang in _RIGHT_TO_LEFT else "ltr"}
    plain = _PLAIN.get_template(f"{lang}/{template}.j2").make_module(given)
    escaped = _ESCAPING.get_template(f"{lang}/{template}.j2").make_module(given)
    return RenderedEmail(
        template,
        subject=_one_line(str(plain.subject)),  # type: ignore[attr-defined]
        text=_PLAIN.get_template("layout.txt").render(given, parts=plain),
        html=_ESCAPING.get_template("layout.html").render(given, parts=escaped),
    )


def _one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value
