"""Reads the reviewed values of `trading.toml` into the frozen configuration that decisions are made with."""

import tomllib
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from trading.config import DataVenue, Fees, TradingConfig
from trading.errors import UsageError
from trading.risk.live_triggers import LiveRules

FEES_DEFAULT = "mission"


def fee_presets() -> dict[str, Fees]:
    """Fee schedules by preset name."""
    return TypeAdapter(dict[str, Fees]).validate_python(_values()["fees"])


def data_venues() -> dict[str, DataVenue]:
    """Data venues by name."""
    return TypeAdapter(dict[str, DataVenue]).validate_python(_values()["venues"])


def load(fees: str = FEES_DEFAULT) -> TradingConfig:
    """The reviewed configuration with one fee preset; an unknown preset is a `UsageError`."""
    presets = fee_presets()
    if fees not in presets:
        raise UsageError(f"unknown fee preset {fees!r}; choose one of {', '.join(presets)}")
    values = {group: _values()[group] for group in TradingConfig._fields} | {"fees": presets[fees]}
    try:
        return TypeAdapter(TradingConfig).validate_python(values)
    except ValidationError as error:
        raise UsageError(f"config/trading.toml is not valid: {error}") from error


def live_rules() -> LiveRules:
    """When a live hour distrusts the exchange."""
    return TypeAdapter(LiveRules).validate_python(_values()["live_triggers"])


def approvals_required() -> int:
    """How many people beside the one who requests it must approve a resume; 1 or 2."""
    return TypeAdapter(Review).validate_python(_values()["review"]).approvals_required


class Review(BaseModel):
    """The group `review`."""

    approvals_required: Literal[1, 2]


def _values() -> dict[str, object]:
    return tomllib.loads((files("config") / "trading.toml").read_text(encoding="utf-8"))
