"""Counts for Prometheus: requests, errors, seconds and bytes by family of routes. Nothing about persons or datasets."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict

BOUNDS = (0.005, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Metrics:
    """Counters of one process; only its event loop writes them."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.buckets: dict[str, list[int]] = {}
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.bytes: Counter[str] = Counter()
        self.open = 0

    def begin(self) -> None:
        self.open += 1

    def end(self, kind: str, status: int, seconds: float, sent: int) -> None:
        self.open -= 1
        self.requests[kind, status] += 1
        self.buckets.setdefault(kind, [0] * (len(BOUNDS) + 1))[bisect_left(BOUNDS, seconds)] += 1
        self.seconds[kind] += seconds
        self.bytes[kind] += sent

    def text(self, extra: dict[str, float] | None = None) -> str:
        """The exposition format (text/plain; version=0.0.4)."""
        lines = ["# TYPE corpushub_requests_total counter"]
        lines += [
            f'corpushub_requests_total{{kind="{kind}",status="{status}"}} {n}'
            for (kind, status), n in sorted(self.requests.items())
        ]
        lines.append("# TYPE corpushub_request_seconds histogram")
        for kind, counts in sorted(self.buckets.items()):
            running = 0
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
                running += count
                lines.append(f'corpushub_request_seconds_bucket{{kind="{kind}",le="{bound}"}} {running}')
            lines.append(f'corpushub_request_seconds_sum{{kind="{kind}"}} {self.seconds[kind]:.6f}')
            lines.append(f'corpushub_request_seconds_count{{kind="{kind}"}} {running}')
        lines.append("# TYPE corpushub_sent_bytes_total counter")
        lines += [f'corpushub_sent_bytes_total{{kind="{kind}"}} {count}' for kind, count in sorted(self.bytes.items())]
        lines += ["# TYPE corpushub_open_requests gauge", f"corpushub_open_requests {self.open}"]
        for name, value in (extra or {}).items():
            lines += [f"# TYPE corpushub_{name} gauge", f"corpushub_{name} {value:g}"]
        return "\n".join(lines) + "\n"
