"""What a person typed or pasted, as it was meant: the one home of reading it.

Phones, mail programs and spreadsheets add blanks nobody sees, dashes of every kind, digits of the
reader's script and full-width letters. All of that is taken away before anything is judged,
compared, hashed or counted. The claim page does the same: `claims/claim_page/page.js`.
Sources: Unicode Standard Annex #15 (NFKC), Unicode Technical Standard #46 (domain names)
"""

import re
import unicodedata

import idna

# Separators of words, lines and paragraphs, and what shapes a text without being seen.
_UNSEEN = {"Zs", "Zl", "Zp", "Cf"}
# No dash by its category (Pd), but typed as one.
_MINUS = "\N{MINUS SIGN}"
_ASCII_DOMAIN = re.compile(r"[\x00-\x7f]*\Z")


def line(text: str) -> str:
    """The text without what is not seen at its ends."""
    seen = [index for index, sign in enumerate(text) if not _is_unseen(sign)]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def digits(text: str) -> str:
    """Digits of any script as 0 to 9, without what people put between them.

    What is no digit stays, to be refused by who knows what it should be.
    """
    kept = (sign for sign in unicodedata.normalize("NFKC", text) if not _separates(sign))
    return "".join(map(_ascii_digit, kept))


def amount(text: str) -> str:
    """An amount's digits of any script as 0 to 9, and its Arabic decimal separator as a dot."""
    ascii_only = map(_ascii_digit, line(unicodedata.normalize("NFKC", text)))
    return "".join(ascii_only).replace("\N{ARABIC DECIMAL SEPARATOR}", ".")


def passcode(text: str) -> str:
    """A passcode in Unicode's form NFKC, without what is not seen at its ends.

    Two keyboards write one letter in two ways, and a field of dots hides a blank.
    """
    return line(unicodedata.normalize("NFKC", text))


def email(text: str) -> str:
    """An address in NFKC, its domain in Punycode, as mail is sent to it.

    What is no domain stays as it is, to be refused.
    """
    user, at, domain = line(unicodedata.normalize("NFKC", text)).rpartition("@")
    return f"{user}{at}{_in_ascii(domain)}"


def language(text: str) -> str:
    """The language of a locale, by BCP 47: `ar` of `AR`, `en` of `en-US` and `en_GB`."""
    return line(re.split("[-_]", line(text), maxsplit=1)[0]).lower()


def _is_unseen(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) in _UNSEEN


def _separates(sign: str) -> bool:
    return _is_unseen(sign) or unicodedata.category(sign) == "Pd" or sign == _MINUS


def _ascii_digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)


def _in_ascii(domain: str) -> str:
    if _ASCII_DOMAIN.match(domain):
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain
