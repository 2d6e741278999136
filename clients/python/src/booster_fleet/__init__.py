"""Client of Booster Fleet: code-edit jobs in WebAssembly sandboxes.

:class:`BoosterFleet` and :class:`AsyncBoosterFleet` speak to a fleet's HTTP gateway;
:class:`booster_fleet.redis.RedisProducer` adds jobs straight to Redis.
"""

from .client import AsyncBoosterFleet, AsyncDeadJobs, BoosterFleet, DeadJobs
from .errors import BoosterError, ConnectionError, OutcomeError, ProblemError, WaitTimeoutError

__all__ = [
    "AsyncBoosterFleet",
    "AsyncDeadJobs",
    "BoosterError",
    "BoosterFleet",
    "ConnectionError",
    "DeadJobs",
    "OutcomeError",
    "ProblemError",
    "WaitTimeoutError",
]
