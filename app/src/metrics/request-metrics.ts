import { Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { FinishedRequest } from '../http/request-log';

/** Counts and times requests by route. */
export function describeRequests(registry: Registry): (finished: FinishedRequest) => void {
  const durations = new Histogram({
    name: 'holdfast_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return ({ method, route, status, seconds }) => durations.observe({ method, route, status }, seconds);
}
