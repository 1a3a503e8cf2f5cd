"""`ballast prove`: the process that proves hours; a worker starts it and talks to it in lines."""

import sys


def prove() -> None:
    """Prove the hours that are named on standard input; used by `ballast worker`."""
    from worker.proving import serve_proofs

    serve_proofs(sys.stdin, sys.stdout)
