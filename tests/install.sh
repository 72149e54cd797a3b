#!/bin/sh
# Install into a virtual environment: install.sh PYTHON REQUIREMENT...
# With uv, which takes a tenth of pip's time; with pip where that fails.
set -eu
python=$1
shift
"$python" -m pip install --quiet --disable-pip-version-check 'uv>=0.8'
# uv does not read pip's configuration.
index=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || true)}
if [ -n "$index" ]; then
    export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
fi
"$python" -m uv pip install --quiet --compile-bytecode --python "$python" "$@" || {
    echo "uv could not install; trying pip." >&2
    "$python" -m pip install --quiet --disable-pip-version-check "$@"
}
