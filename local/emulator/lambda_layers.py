"""Lambda layers: unpacked once, kept between runs so that their byte code is compiled once."""

import hashlib
import io
import os
import shutil
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

from ministack.services import lambda_svc

CACHE = Path(os.environ.get("EMULATOR_LAYER_CACHE") or Path(tempfile.gettempdir(), "layers"))
UNUSED_LAYERS_ARE_KEPT_S = 7 * 24 * 3600

_unpacked: dict[str, tuple[bytes, Path]] = {}
_unpacking = threading.Lock()


def python_paths(config: dict[str, Any]) -> list[str]:
    """List what the layers of a function add to `sys.path`, in AWS's order."""
    paths = []
    for layer in config.get("Layers") or []:
        root = _layer_directory(layer) / "python"
        paths += [str(path) for path in sorted(root.glob("lib/python3*/site-packages"))]
        paths.append(str(root))
    return paths


def forget_unused() -> None:
    """Remove layers that no run has used for a week."""
    if not CACHE.is_dir():
        return
    for layer in CACHE.iterdir():
        if time.time() - layer.stat().st_mtime > UNUSED_LAYERS_ARE_KEPT_S:
            shutil.rmtree(layer, ignore_errors=True)


def _layer_directory(layer: Any) -> Path:
    """Find the unpacked layer; hash its zip only the first time it is seen."""
    arn = layer if isinstance(layer, str) else layer["Arn"]
    package: bytes | None = lambda_svc._resolve_layer_zip(layer)
    if package is None:
        message = f"layer not found: {arn}"
        raise RuntimeError(message)
    with _unpacking:
        known = _unpacked.get(arn)
        if known is None or known[0] is not package:
            known = _unpacked[arn] = (package, _unpack(package))
        return known[1]


def _unpack(package: bytes) -> Path:
    """Unpack beside the cache and rename, so that a second emulator sees all of it or nothing."""
    directory = CACHE / hashlib.sha256(package).hexdigest()[:32]
    if not directory.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = tempfile.mkdtemp(prefix="unfinished-", dir=CACHE)
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            archive.extractall(unfinished)
        try:
            Path(unfinished).rename(directory)
        except OSError:  # another emulator was first
            shutil.rmtree(unfinished)
    os.utime(directory)
    return directory
