#!/bin/sh
# lock.sh UV: pins with hashes for every platform, and without the address of any index.
set -eu
compile="$1 pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --no-annotate --quiet"

$compile requirements/dev.in -o requirements/dev.txt
$compile requirements/runtime.in -o requirements/runtime.txt
$compile requirements/checkov.in -o requirements/checkov.txt
$compile requirements/pip-audit.in -o requirements/pip-audit.txt
# The layer holds what the tests ran with.
pins=$(mktemp)
trap 'rm -f "$pins"' EXIT
grep -E '^[a-z].*==' requirements/dev.txt | sed 's/ *\\$//' > "$pins"
$compile layers/dependencies/requirements.in --constraint "$pins" -o layers/dependencies/requirements.txt
