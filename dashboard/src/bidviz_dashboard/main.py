"""`python -m bidviz_dashboard` and `bidviz dashboard`: serves in the foreground, or stops what runs."""

from __future__ import annotations

import argparse
import http.client
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bidviz_core.endpoint import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    Endpoint,
    Record,
    endpoint_of,
    is_loopback,
    load_record,
    parse_url,
    record_process,
    recorded,
)
from bidviz_core.errors import LinkError
from bidviz_core.launch import bind
from bidviz_core.probe import probe
from bidviz_core.processes import is_alive

#: Seconds with neither runs nor viewers after which a dashboard that a training started ends.
IDLE = 30 * 60.0
#: Seconds that a dashboard may take to end.
_ENDS_WITHIN = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: the arguments; the process's own if none.

    Returns:
        The exit status: 0, 1 where it could not be done, 2 for wrong use.
    """
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        if arguments.stop:
            return stop(*_address(arguments) if arguments.host or arguments.port else (None, None))
        return serve(arguments)
    except (LinkError, OSError) as error:
        print(f"bidviz dashboard: {error}", file=sys.stderr)
        return 1


def serve(arguments: argparse.Namespace) -> int:
    """Serves until it is stopped; in the foreground it prints the one URL."""
    from bidviz_dashboard.server import DashboardServer

    started = arguments.fd is not None
    if started:
        listener = socket.socket(fileno=arguments.fd)
        os.set_inheritable(listener.fileno(), False)
    else:
        host, port = _address(arguments)
        bound = bind(host, port)
        if bound is None:
            return _taken(host, port)
        listener = bound
    idle = arguments.idle if arguments.idle is not None else (IDLE if started else None)
    run_dir = arguments.run_dir.absolute() if arguments.run_dir is not None else None
    server = DashboardServer(listener, run_dir, not arguments.no_code, idle or None, arguments.most_clients)
    server.stop_at_signals()
    if not started:
        _say(server.record)
    server.run()
    return 0


def stop(host: str | None = None, port: int | None = None) -> int:
    """Stops this user's dashboards: the one at an address, or every one that is known.

    Returns:
        0, or 1 if one could not be stopped or none was there.
    """
    records = [load_record(host, port)] if host is not None and port is not None else list(recorded())
    stopped, failed = 0, 0
    for record in records:
        endpoint = endpoint_of(record)
        if probe(endpoint.host, endpoint.port, 2.0).kind != "dashboard":
            continue
        if _stop_one(record, endpoint):
            print(f"The dashboard at {endpoint.url} is stopped; trainings go on.")
            stopped += 1
        else:
            print(f"The dashboard at {endpoint.url} does not end: end process {record.pid} by hand.", file=sys.stderr)
            failed += 1
    if not stopped and not failed:
        print("No dashboard of yours is running.", file=sys.stderr)
    return 0 if stopped and not failed else 1


def _stop_one(record: Record, endpoint: Endpoint) -> bool:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=5.0)
    try:
        connection.request("POST", "/bidviz/stop", headers={"Authorization": f"Bearer {record.tokens['code']}"})
        if connection.getresponse().status != 200:
            return False
    finally:
        connection.close()
    deadline = time.monotonic() + _ENDS_WITHIN
    while time.monotonic() < deadline:
        if probe(endpoint.host, endpoint.port, 1.0).kind == "nobody" and not is_alive(record.pid, record.started):
            if load_record(record.host, record.port).pid:
                record_process(record.host, record.port, 0)
            return True
        time.sleep(0.05)
    return False


def _taken(host: str, port: int) -> int:
    answer = probe(DEFAULT_HOST if host in ("0.0.0.0", "::") else host, port, 2.0)
    if answer.kind == "dashboard":
        known = [one for one in recorded() if one.port == port and one.host in (host, "0.0.0.0", "::")]
        print(f"Your dashboard is running already: {endpoint_of((known or [load_record(host, port)])[0]).page_url()}")
        return 0
    why = answer.why or f"Somebody listens at {host}:{port}."
    print(f"bidviz dashboard: {why} Choose another port: bidviz dashboard --port {port + 1}", file=sys.stderr)
    return 1


def _say(record: Record) -> None:
    if not is_loopback(record.host):
        print(
            "Others on the network can reach this dashboard. The token lets them in, and its traffic is not encrypted: "
            "a tunnel (ssh -L) is safer.",
            file=sys.stderr,
        )
    print(f"BIDViz dashboard: {endpoint_of(record).page_url()}", flush=True)


def _address(arguments: argparse.Namespace) -> tuple[str, int]:
    wanted = os.environ.get("BIDVIZ_DASHBOARD", "")
    host, port = parse_url(wanted) if wanted and wanted.lower() not in ("off", "none") else (DEFAULT_HOST, DEFAULT_PORT)
    return arguments.host or host, arguments.port if arguments.port is not None else port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bidviz dashboard", description="Runs, charts and controls in a browser.")
    parser.add_argument("--host", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, help="the port (10001); 0 lets the system choose")
    parser.add_argument("--run-dir", type=Path, help="a folder of runs to show beside those that are known")
    parser.add_argument("--no-code", action="store_true", help="pass on no code: neither metrics nor console")
    parser.add_argument("--stop", action="store_true", help="stop the dashboard that runs")
    parser.add_argument("--idle", type=float, help="end after so many seconds with neither runs nor viewers; 0: never")
    parser.add_argument("--most-clients", type=int, default=64, help="how many browsers may be connected at once (64)")
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, got {text!r}")
    return port
