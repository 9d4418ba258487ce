"""The tree of errors is drawn where a reader looks for it, complete and with the true statuses."""

from textwrap import wrap

from cardvault import errors
from cardvault.http.endpoint import STATUS

FAMILIES = dict(STATUS)


def children(error):
    return [
        child for child in error.__subclasses__() if child.__module__.startswith(errors.__name__)
    ]


def drawn(error, indent="    "):
    """The lines of a family: its name, status and members, then the families within it."""
    families = [child for child in children(error) if child in FAMILIES or children(child)]
    members = [child.__name__ for child in children(error) if child not in families]
    status = f" ({FAMILIES[error]})" if error in FAMILIES else ""
    line = error.__name__ + status + (": " + ", ".join(members) if members else "")
    yield from wrap(line, 96, initial_indent=indent, subsequent_indent=indent + "    ")
    for family in families:
        yield from drawn(family, indent + "  ")


def test_the_tree_of_errors_is_drawn_in_the_package():
    tree = "\n".join(drawn(errors.CardvaultError))
    assert tree in errors.__doc__, f"cardvault/errors/__init__.py has to say:\n{tree}"


def test_every_error_is_found_in_the_package_under_its_own_name():
    found = [errors.CardvaultError]
    for error in found:
        assert getattr(errors, error.__name__) is error
        found += children(error)
