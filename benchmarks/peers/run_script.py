"""The script, asking the local Amazon: `python -m benchmarks.peers.run_script ENDPOINT DATABASE`."""

import sys

from sp_api.auth import AccessTokenClient  # noqa: TID251 - what is compared is what others do with it
from sp_api.base import Marketplaces  # noqa: TID251

from benchmarks.peers.script import main

endpoint, database = sys.argv[1:]
Marketplaces.US.endpoint = endpoint
AccessTokenClient.scheme, AccessTokenClient.host = "http://", endpoint.removeprefix("http://")
main(database)
