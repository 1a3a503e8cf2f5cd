"""The engine's sandbox, in which tests run and replay workflows: it forbids what is not deterministic.

Workers go without it (ADR 27). Listed is what is not loaded anew for every workflow, and why.
"""

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
    """The sandbox of replays of stored histories, and of workers that tests start in their own process."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)
