import type { Logger } from 'pino';
import { SpanTracing } from './span-tracing';
import type { Tracing } from './tracing';

export interface TracingOptions {
  /** Of an OTLP/HTTP receiver, without /v1/traces; undefined: nothing is traced, and nothing is loaded. */
  readonly otlpEndpoint?: string | undefined;
  /** Kind of the process, for `service.name`: holdfast-web. */
  readonly process: string;
  readonly logger: Logger;
}

/** In which one batch has to be sent: a process that stops may need it once more. */
const EXPORT_MS = 2_000;

/**
 * Opens tracing as the configuration says. The receiver may be away: spans are dropped then, and the log says so. The
 * SDK's own variables count too, such as OTEL_EXPORTER_OTLP_HEADERS and OTEL_TRACES_SAMPLER.
 */
export async function openTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { otlpEndpoint, process, logger } = options;
  if (otlpEndpoint === undefined) return undefined;
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const complain = (message: string) => logger.warn({ problem: message.slice(0, 500) }, 'tracing has a problem');
  const ignore = () => undefined;
  api.diag.setLogger(
    { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: api.DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
  const exporter = new OTLPTraceExporter({ url: `${otlpEndpoint}/v1/traces`, timeoutMillis: EXPORT_MS });
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `holdfast-${process}` }),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter, { exportTimeoutMillis: EXPORT_MS })],
  });
  return new SpanTracing(api, provider, EXPORT_MS);
}
