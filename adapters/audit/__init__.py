"""The audit trail: `Audit` appends to it, `chain` says what it is, `verify` proves it offline."""

from adapters.audit.chain import Entry, Kind
from adapters.audit.log import Audit

__all__ = ["Audit", "Entry", "Kind"]
