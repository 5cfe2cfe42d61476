"""The ports of a pod, handed out in one place so that no two listeners meet."""

from __future__ import annotations

from dataclasses import dataclass, field

HEALTH = 13133
TELEMETRY = 8887
OTLP_GRPC = 4317
OTLP_HTTP = 4318
AGENTS = 4319
TENANTS = 4320


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of a pod: `name` is at most 15 characters, as Kubernetes asks; an export's purpose is its pipeline."""

    name: str
    number: int
    purpose: str


@dataclass(slots=True)
class PortAllocator:
    """Claims of one pod. A port that is claimed twice is kept by the first and reported in `clashes`."""

    listeners: list[Listener] = field(default_factory=list)
    clashes: list[tuple[Listener, Listener]] = field(default_factory=list)

    def claim(self, name: str, number: int, purpose: str) -> int:
        """The port, now taken."""
        listener = Listener(name, number, purpose)
        holder = next((taken for taken in self.listeners if taken.number == number), None)
        if holder is None:
            self.listeners.append(listener)
        else:
            self.clashes.append((holder, listener))
        return number

    def named(self, prefix: str) -> list[Listener]:
        """The listeners whose names begin with `prefix`, by number."""
        return sorted(
            (taken for taken in self.listeners if taken.name.startswith(prefix)), key=lambda taken: taken.number
        )
