#!/bin/sh
# Make a virtual environment: make-venv.sh PYTHON FOLDER
set -eu
python=$1
venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "Milepost needs Python 3.10 or later; $python is $("$python" --version). Use make PYTHON=python3.12 ..." >&2
    exit 1
}
# Debian keeps what makes virtual environments in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends python3-venv
    else
        echo "$python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=23.1'
