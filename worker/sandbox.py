"""What workflow code may import without being loaded anew for every workflow, and why."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PASSED_THROUGH = (
    # Messages, and the references to activities that workflows call by.
    "activities",
    # Values and pure functions behind messages; it holds no state and reads no clock.
    "trading",
    # What these import at module level; workflows never call it.
    "numpy",
    "polars",
    "numba",
    "llvmlite",
    "pydantic",
    "pydantic_core",
    "cryptography",
    "sqlalchemy",
)


def runner() -> SandboxedWorkflowRunner:
    """The sandbox of every worker and of replays of stored histories."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)
