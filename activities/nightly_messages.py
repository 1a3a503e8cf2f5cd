"""Messages of what runs once a day or a month beside the hours."""

from pydantic import AwareDatetime

from activities.messages import Digest, Message


class NightlyIn(Message):
    """Do it for the day that the schedule meant, or for the one named."""

    track: str
    asof: AwareDatetime | None = None
    """A full hour."""


class NightlyAt(Message):
    track: str
    asof: AwareDatetime


class NightlyOut(Message):
    """What was left, and what people want to see of it."""

    reference: Digest | None = None
    """Of what was stored; None where nothing is."""
    note: str = ""
