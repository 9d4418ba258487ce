"""Write docs/openapi.yaml; with --check, only say whether it is what the code makes."""

import sys

from local.openapi.document import document
from local.openapi.dump import dumps
from local.stack.build import ROOT

OUTPUT = ROOT / "docs/openapi.yaml"
HEAD = "# Made by `make openapi` from openapi.base.yaml and the code. Change those.\n"


def main() -> int:
    """The command."""
    text = HEAD + dumps(document())
    if sys.argv[1:] != ["--check"]:
        OUTPUT.write_text(text)
        return 0
    if OUTPUT.read_text() == text:
        return 0
    sys.stderr.write("docs/openapi.yaml is not what the code makes: run make openapi\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
