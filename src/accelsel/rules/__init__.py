"""Pure: a profile, a request and the rules table give a selection; every rejection is kept."""

from accelsel.rules.choice import select
from accelsel.rules.explain import why, why_not
from accelsel.rules.question import Rule
from accelsel.rules.units import RULES

__all__ = ["RULES", "Rule", "select", "why", "why_not"]
