"""Runs the sample provider until it is told to stop: `python -m local.sample_provider`."""

import argparse
import json
import signal
from pathlib import Path

from local.sample_provider.mockroster import read_mockroster
from local.sample_provider.server import SampleProvider


def main() -> None:
    """Serve; the first line printed says where, and with which key and secret."""
    parser = argparse.ArgumentParser(prog="python -m local.sample_provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of this machine; 0 takes a free one")
    parser.add_argument("--users", type=int, default=3000, help="how many users the district has")
    parser.add_argument("--schools", type=int, help="how many schools it has (default: by the users)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same district")
    parser.add_argument("--page-cap", type=int, help="most records in a page, whatever the limit asked for")
    parser.add_argument("--latency", type=float, default=0, metavar="SECONDS", help="time to think before each answer")
    parser.add_argument("--data", type=Path, metavar="DIR", help="serve mockroster-*.csv of this folder instead")
    options = parser.parse_args()
    stops = {signal.SIGINT, signal.SIGTERM}
    # Blocked before the first thread starts, so that they reach sigwait and nothing else.
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        district = read_mockroster(options.data) if options.data else None
    except OSError as error:
        parser.error(f"{error.filename} cannot be read: {error.strerror}. Give the folder of the mockroster-*.csv.")
    try:
        serving = SampleProvider(
            options.users,
            options.seed,
            schools=options.schools,
            page_cap=options.page_cap,
            latency_s=options.latency,
            port=options.port,
            district=district,
        )
    except OSError as error:
        parser.error(f"Port {options.port} cannot be used: {error.strerror}. Choose another; 0 takes a free one.")
    with serving as provider:
        where = {
            name: getattr(provider, name) for name in ("base_url", "consumer_key", "consumer_secret", "control_url")
        }
        print(json.dumps(where), flush=True)
        signal.sigwait(stops)


if __name__ == "__main__":
    main()
