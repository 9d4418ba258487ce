"""YAML that reads well: texts in blocks, and on one line what fits there."""

import io
from typing import Any

import yaml

WIDTH = 100


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class asks
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dumps(document: dict[str, Any]) -> str:
    """The document as YAML, in its own order."""
    node = _Dumper(io.StringIO(), sort_keys=False).represent_data(document)
    _lay_out(node, 0, 0)
    return str(yaml.serialize(node, Dumper=_Dumper, width=10**6, allow_unicode=True))


def _lay_out(node: Any, indent: int, column: int) -> int:
    """Put each collection on one line that fits there; answers the node's length if laid so."""
    if isinstance(node, yaml.ScalarNode):
        return WIDTH if "\n" in node.value else len(node.value) + 2
    if isinstance(node, yaml.MappingNode):
        length = sum(
            len(name.value) + 4 + _lay_out(value, indent + 2, indent + 4 + len(name.value))
            for name, value in node.value
        )
    else:
        length = sum(2 + _lay_out(value, indent + 2, indent + 2) for value in node.value)
    node.flow_style = indent > 4 and column + length <= WIDTH
    return length + 2
