"""The OpenAPI document as a file: `python -m api.openapi web/openapi.json`."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine

from adapters.objects import ObjectStore
from api.app import Parts, application
from api.records import record


def document() -> str:
    """The document with a stable layout; no database is touched for it."""
    parts = Parts(
        create_engine("sqlite://"),
        Path(),
        lambda: datetime.now(UTC),
        record,
        False,
        lambda _: ObjectStore(Path()),
    )
    return json.dumps(application(parts).openapi(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document())
