"""Where things are: the project, and what was built of it."""
import os
import pathlib

PROJECT = pathlib.Path(__file__).resolve().parents[3]
# ctest says which build is tested; by hand it is the one of daily work.
SERVER = pathlib.Path(os.environ.get("CROSSDOCK_SERVER") or PROJECT / "build/dev/crossdock")
OPENAPI = PROJECT / "api/openapi.json"
