"""How KEDA and Kubernetes come from the length of a queue to a number of lanes, second by second.

Written anew from what their makers say: KEDA's scaler (pkg/scalers/nats_jetstream_scaler.go of kedacore/keda) and its
pages "Scaling Deployments" and "ScaledObject specification"; Kubernetes' page "Horizontal Pod Autoscaling", under
"Algorithm details" and "Configurable scaling behavior".
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

QUERY = "/jsz?acc={account}&consumers=true&config=true"
"""What KEDA asks a NATS server for."""
TOLERANCE = 0.1
"""A recommendation this near to what there is changes nothing."""
MOST_CHANGES = 120
"""Half an hour's: the longest period that a policy may have."""
SYNC_SECONDS = 15
"""Kubernetes' autoscaler looks so often."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How many lanes there are to be; as in deploy/k8s/autoscaling/keda/lanes.yaml."""

    threshold: float
    """Segments, waiting or worked on, for each lane."""
    least: int
    most: int
    polling_seconds: int
    cooldown_seconds: int
    """After so long without a segment no lane stays, where `least` is 0."""
    up: tuple[tuple[str, int, int], ...]
    """Policies: `Percent` or `Pods`, how many, in how many seconds; the one that allows most counts."""
    down: tuple[tuple[str, int, int], ...]
    down_window_seconds: int
    """The highest recommendation of so long counts when lanes are taken away."""

    @classmethod
    def of(cls, scaled: Mapping[str, Any]) -> Rule:
        """What a ScaledObject says, by its first trigger."""
        spec = scaled["spec"]
        behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        policies = {
            way: tuple((one["type"], one["value"], one["periodSeconds"]) for one in behavior[way]["policies"])
            for way in ("scaleUp", "scaleDown")
        }
        return cls(
            threshold=float(spec["triggers"][0]["metadata"]["lagThreshold"]),
            least=spec["minReplicaCount"],
            most=spec["maxReplicaCount"],
            polling_seconds=spec["pollingInterval"],
            cooldown_seconds=spec["cooldownPeriod"],
            up=policies["scaleUp"],
            down=policies["scaleDown"],
            down_window_seconds=behavior["scaleDown"]["stabilizationWindowSeconds"],
        )


def lag_of(answer: Mapping[str, Any], account: str, stream: str, consumer: str) -> int:
    """What KEDA reads in the answer of a NATS server's monitoring to QUERY: messages that wait, and those that are
    being worked on; while there is no such consumer, the last number of the stream. Raises LookupError."""
    details = {
        (of["name"], one["name"]): one for of in answer["account_details"] for one in of.get("stream_detail") or ()
    }
    found = details[account, stream]
    for one in found.get("consumer_detail") or ():
        if one["name"] == consumer:
            return int(one["num_pending"] + one["num_ack_pending"])
    return int(found["state"]["last_seq"])


class Autoscaler:
    """KEDA between none and some, Kubernetes' autoscaler among some."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.lanes = rule.least
        self._active_at = -math.inf
        self._recommended: deque[tuple[int, int]] = deque()
        self._changes: deque[tuple[int, int]] = deque(maxlen=MOST_CHANGES)
        """When, and by how many: Kubernetes' own, which its policies bound."""

    def look(self, now: int, lag: int) -> int:
        """How many there are to be; to be called each second. lag: segments, waiting or worked on."""
        rule = self._rule
        if now % rule.polling_seconds == 0:
            if lag > 0:
                self._active_at = now
                self.lanes = max(self.lanes, rule.least, 1)
            elif rule.least == 0 and now - self._active_at > rule.cooldown_seconds:
                self.lanes = 0
        if now % SYNC_SECONDS == 0 and self.lanes:
            before, self.lanes = self.lanes, self._within(now, self._wanted(lag))
            self._changes.append((now, self.lanes - before))
        return self.lanes

    def _wanted(self, lag: int) -> int:
        rule = self._rule
        is_near = abs(lag / (rule.threshold * self.lanes) - 1) <= TOLERANCE
        wanted = self.lanes if is_near else math.ceil(lag / rule.threshold)
        return min(rule.most, max(rule.least, 1, wanted))

    def _within(self, now: int, wanted: int) -> int:
        """What windows and policies leave of a recommendation."""
        rule = self._rule
        while self._recommended and self._recommended[0][0] <= now - rule.down_window_seconds:
            self._recommended.popleft()
        self._recommended.append((now, wanted))
        wanted = max(wanted, min(self.lanes, max(one for _, one in self._recommended)))
        if wanted > self.lanes:
            return min(wanted, max(self._allowed(now, policy, 1) for policy in rule.up))
        return max(wanted, min(self._allowed(now, policy, -1) for policy in rule.down))

    def _allowed(self, now: int, policy: tuple[str, int, int], sign: int) -> int:
        kind, value, seconds = policy
        changed = sum(by for at, by in self._changes if at > now - seconds and by * sign > 0)
        before = self.lanes - changed
        if kind == "Pods":
            return before + sign * value
        return math.ceil(before * (1 + sign * value / 100)) if sign > 0 else math.floor(before * (1 - value / 100))
