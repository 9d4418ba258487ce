#!/bin/sh
# install.sh PYTHON FOLDER LOCKFILE: a virtual environment that holds exactly what the lock says.
set -eu
python=$1 folder=$2 lock=$3

command -v "$python" >/dev/null 2>&1 || {
    echo "$python is not here. Install Python 3.11 or later, or name one: make PYTHON=python3.12" >&2
    exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$("$python" --version) is too old: Cardvault needs 3.11 or later. make PYTHON=python3.12" >&2
    exit 1
}
"$python" -c 'import venv, ensurepip' 2>/dev/null || {
    echo "$python has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
}
echo "installing $lock into $folder (the first time only; a minute or two)"
"$python" -m venv "$folder"
# The lock is complete; resolving it again takes time, and older pips stumble over extras.
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --no-deps --requirement "$lock" || {
    echo "could not install $lock. Is the package index reachable from here?" >&2
    exit 1
}
touch "$folder/.installed"
