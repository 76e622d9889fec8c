"""Interceptors: what each recorded call took, as a metric, and a line of JSON for it. For OpenTelemetry's traces name the SDK's own:
`--interceptor temporalio.contrib.opentelemetry:TracingInterceptor`, with `opentelemetry-sdk` in the environment of --sdk-python.

    PYTHONPATH=examples/temporal ak worker --temporal HOST:PORT --metrics 127.0.0.1:9464 --interceptor interceptors:CallTimes
"""
import json
import sys
import time
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


class CallTimes(Interceptor):
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return Timed(next)


class Timed(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info, start = activity.info(), time.monotonic()
        try:
            return await self.next.execute_activity(input)
        finally:
            ms = int(1000 * (time.monotonic() - start))
            activity.metric_meter().create_histogram("ak_call", "a recorded call", "ms").record(ms, {"callee": info.activity_type})
            print(json.dumps({"call": info.activity_type, "session": info.workflow_id, "ms": ms}), file=sys.stderr, flush=True)
