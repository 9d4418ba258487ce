"""Build the template once for each state of its sources, with `sam build`."""

import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.stack.environment import for_child
from local.stack.process import ChildProcess

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".local"
SOURCES = ("functions", "layers", "statemachine")
BUILDS_KEPT = 4
LAST_LINES = 40
ARTIFACTS_BUCKET = "cardvault-artifacts"
EARLIEST_IN_A_ZIP = (1980, 1, 1, 0, 0, 0)
# Where a built template names a folder or file of ours, by resource type.
LOCAL_PATHS = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}


class BuildError(RuntimeError):
    """`sam build` failed; the message is what it said."""


class Build:
    """A finished build: the template to deploy and the packages it names."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def template(self) -> str:
        """The template, with every local path replaced by an address in the artifacts bucket."""
        return (self.directory / "packaged.json").read_text()

    @property
    def packages(self) -> list[Path]:
        """The files of the artifacts bucket, by the names the template gives them."""
        return sorted((self.directory / "packages").iterdir())


def build(template: Path = ROOT / "template.yaml") -> Build:
    """Return the build of the template's present sources, building only when they changed.

    A build has a folder of its own, named after what it was built from and never changed again,
    so that any number of stacks can start from one checkout at once.
    """
    target = layer_target()
    fingerprint = _fingerprint(template, target)
    with _locked():
        directory = WORK / "builds" / fingerprint
        if not (directory / "packaged.json").exists():
            shutil.rmtree(directory, ignore_errors=True)
            built = _sam_build(template, target)
            _package(built, directory)
            shutil.rmtree(built)
            _forget_old_builds()
        os.utime(directory)
        return Build(directory)


def layer_target() -> dict[str, str]:
    """Return the variables that tell the layers' makefiles to build for this machine."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    wheels = {
        "Linux": f"manylinux2014_{platform.machine()}",
        "Darwin": f"macosx_11_0_{platform.machine()}",
    }
    return {
        "PYTHON": sys.executable,
        "LAYER_PYTHON_VERSION": os.environ.get("LAYER_PYTHON_VERSION", version),
        "LAYER_PLATFORM": os.environ.get("LAYER_PLATFORM", wheels.get(platform.system(), "any")),
    }


def _fingerprint(template: Path, target: dict[str, str]) -> str:
    digest = hashlib.sha256(json.dumps([str(template), target]).encode())
    for path in [template, *_source_files(template.parent)]:
        digest.update(f"{path.relative_to(template.parent)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _source_files(root: Path) -> Iterator[Path]:
    for source in SOURCES:
        for path in sorted((root / source).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


@contextmanager
def _locked() -> Iterator[None]:
    WORK.mkdir(exist_ok=True)
    with (WORK / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sam_build(template: Path, target: dict[str, str]) -> Path:
    """Run `sam build` and return the folder it made, with the template in it.

    Each template and target has an area of its own: SAM's cache looks at a layer's files only,
    not at the machine it was built for, and forgets what the last template did not name.
    """
    name = hashlib.sha256(json.dumps([str(template), target]).encode()).hexdigest()[:16]
    area = WORK / "sam" / name
    built = area / "build"
    command = [sys.executable, "-m", "samcli", "build", "--template", str(template)]
    command += ["--build-dir", str(built), "--cache-dir", str(area / "cache")]
    command += ["--cached", "--parallel"]
    area.mkdir(parents=True, exist_ok=True)
    child = ChildProcess(command, for_child(**target), template.parent, area / "build.log")
    try:
        if child.wait():
            message = f"sam build failed:\n{child.output(LAST_LINES)}"
            raise BuildError(message)
    finally:
        child.stop()
    return built


def _package(built: Path, directory: Path) -> None:
    """Do what `sam package` does, without the seconds it takes to start."""
    template = yaml_parse((built / "template.yaml").read_text())
    packages = directory / "packages"
    packages.mkdir(parents=True)
    for resource in template["Resources"].values():
        name = LOCAL_PATHS.get(resource["Type"])
        location = resource.get("Properties", {}).get(name) if name else None
        if isinstance(location, str) and not location.startswith("s3://"):
            key = _store(built / location, packages)
            resource["Properties"][name] = f"s3://{ARTIFACTS_BUCKET}/{key}"
    _write_last(directory / "packaged.json", template)


def _store(source: Path, packages: Path) -> str:
    """Put a file or a zipped folder among the packages, named after its content."""
    content = _zipped(source) if source.is_dir() else source.read_bytes()
    suffix = "".join(source.suffixes) if source.is_file() else ".zip"
    key = hashlib.sha256(content).hexdigest() + suffix
    (packages / key).write_bytes(content)
    return key


def _zipped(folder: Path) -> bytes:
    """Zip without times, so that equal folders give equal packages; stored, for it stays here.

    A layer's byte code is a part of it; a function's is what some test left there.
    """
    package, is_layer = io.BytesIO(), (folder / "python").is_dir()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and (is_layer or "__pycache__" not in path.parts):
                entry = zipfile.ZipInfo(str(path.relative_to(folder)), EARLIEST_IN_A_ZIP)
                entry.external_attr = path.stat().st_mode << 16
                archive.writestr(entry, path.read_bytes())
    return package.getvalue()


def _write_last(path: Path, template: Any) -> None:
    """Write the file whose presence says that the build is finished."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(template, indent=1, default=str))
    unfinished.rename(path)


def _forget_old_builds() -> None:
    builds = sorted((WORK / "builds").iterdir(), key=lambda build: build.stat().st_mtime)
    for old in builds[:-BUILDS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
