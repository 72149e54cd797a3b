"""The process of a team's server in tests: ``python -m tests.team.serve SETTINGS``, a JSON object.

It writes its port on a line when it answers, and ends when its standard input does: it never outlives its test.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time

from milepost.server.serving import team_server_of
from milepost.server.team.app import TeamApp
from milepost.server.team.places import Backend
from milepost.server.team.settings import Limits, TeamSettings
from milepost.store.engine import open_engine
from milepost.store.migrate import ensure_schema


def main() -> None:
    settings = json.loads(sys.argv[1])
    engine = open_engine(settings["database_url"])
    ensure_schema(engine, create=True)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", settings["port"]))
    listener.listen(1024)
    port = listener.getsockname()[1]
    limits = Limits(**settings.get("limits", {}))
    app = TeamApp(
        Backend(engine, settings["blobs_url"]),
        TeamSettings(settings.get("public_url") or f"http://127.0.0.1:{port}", limits),
    )
    server = team_server_of(app)

    def follow() -> None:
        while not server.started:
            time.sleep(0.01)
        print(port, flush=True)
        while os.read(0, 1):
            pass
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
