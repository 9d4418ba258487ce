#!/bin/sh
# compile.sh FOLDER VERSION: byte code beside every module of a layer, by a Python of that version.
#
# Lambda mounts layers read-only and keeps nothing: code without byte code is compiled at each cold
# start, which then takes three times as long. Nothing compares it with its source ("unchecked", PEP 552).
# The version is looked for on PATH, in pyenv and in uv, which may install it; LAYER_COMPILER names one.
set -u
folder=$1 version=$2

compile_by() {
  [ -n "$1" ] || return 0
  "$1" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null || return 0
  exec "$1" -m compileall -q -f -j 0 --invalidation-mode unchecked-hash \
    -s "$folder" -p /opt/python "$folder"
}

compile_by "${LAYER_COMPILER:-}"
for name in "python$version" "${PYTHON:-python3}"; do
  compile_by "$(command -v "$name")"
done
if command -v pyenv >/dev/null; then
  compile_by "$(pyenv prefix "$version" 2>/dev/null)/bin/python"
fi
for uv in "$(command -v "$(dirname "${PYTHON:-.}")/uv")" "$(command -v uv)"; do
  [ -n "$uv" ] || continue
  "$uv" python install --quiet "$version" 2>/dev/null
  compile_by "$("$uv" python find "$version" 2>/dev/null)"
done

echo "no Python $version here: the layer has no byte code, and cold starts take three times as long." >&2
echo "Install it (uv python install $version), or name it in LAYER_COMPILER." >&2
