"""A function's app.py, loaded afresh as Lambda loads it: in the environment of this moment."""

import importlib.util
from pathlib import Path
from types import ModuleType

from tests.support.template import ROOT

PATHS = {path.parent.name: path for path in sorted((ROOT / "functions").glob("*/*/app.py"))}


def load_app(folder: str) -> ModuleType:
    """The module of the function in that folder: `load_app("get_order").handler`."""
    return load(f"app_{folder}", PATHS[folder])


def load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if not spec or not spec.loader:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def any_value(variable: str) -> str:
    """Something that a function takes as this variable of its environment."""
    if variable.endswith("_ALLOWED"):
        return "no"
    is_number = variable.endswith(("_SECONDS", "_SECOND", "_HOURS", "_DAY", "_DAYS"))
    return "60" if is_number else variable
