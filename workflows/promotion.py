"""A release waits here for a person; nothing becomes champion by itself."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import Approval, PromoteIn, PromoteOut, Promotion
    from activities.training import TrainingActivities
from workflows.options import TRAIN


@workflow.defn
class PromotionWorkflow:
    """Id `<track>/promotion/<release>`."""

    @workflow.init
    def __init__(self, told: PromoteIn) -> None:
        self._told = told
        self._said: Approval | None = None

    @workflow.run
    async def run(self, told: PromoteIn) -> PromoteOut:
        workflow.set_current_details(f"release {told.which} waits for approval as champion of {told.mode}")
        await workflow.wait_condition(lambda: self._said is not None)
        assert self._said is not None
        if not self._said.approved:
            return PromoteOut(which=told.which, refusal=f"declined by {self._said.who}: {self._said.why}")
        promotion = Promotion(**told.model_dump(), who=self._said.who, why=self._said.why)
        out = await workflow.execute_activity_method(TrainingActivities.promote, promotion, **TRAIN)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return out

    @workflow.update
    def decide(self, said: Approval) -> PromoteOut:
        """Approve or decline, once; what comes of it is the workflow's result."""
        self._said = said
        return PromoteOut(which=self._told.which)

    @decide.validator
    def _check_decide(self, said: Approval) -> None:
        if self._said is not None:
            raise ValueError(f"{self._said.who} has decided already")
        if not (said.who.strip() and said.why.strip()):
            raise ValueError("say who decides, and why")

    @workflow.query
    def waiting(self) -> PromoteIn:
        """What is to be decided."""
        return self._told
