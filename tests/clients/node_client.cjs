// Send all three signals through the official SDK and exporters, as the driver (clients.py) says.
//
// Arguments: the folder whose node_modules to use, and the variants as JSON. Each line on standard
// input is a number of rounds; its end is the sign to shut down. Each export's end goes to standard
// output as a line of JSON, and so does what the SDK says to its user.

'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');
const readline = require('node:readline');

const [folder, variants] = process.argv.slice(2);
const load = createRequire(path.join(folder, 'package.json'));

const { diag, DiagLogLevel, ROOT_CONTEXT, trace } = load('@opentelemetry/api');
const { resourceFromAttributes } = load('@opentelemetry/resources');
const logs = load('@opentelemetry/sdk-logs');
const metrics = load('@opentelemetry/sdk-metrics');
// Since 3.0 the package and its provider have other names, and processors take one argument.
const isCurrent = '@opentelemetry/sdk-trace' in load('./package.json').dependencies;
const tracing = load(isCurrent ? '@opentelemetry/sdk-trace' : '@opentelemetry/sdk-trace-base');
const TracerProvider = isCurrent ? tracing.TracerProvider : tracing.BasicTracerProvider;

const HOURS_MS = 3_600_000;
const FORMATS = { grpc: 'grpc', protobuf: 'proto', json: 'http' };

function tell(fact) {
  process.stdout.write(`${JSON.stringify(fact)}\n`);
}

function exporter(signal, kind, variant) {
  const found = load(`@opentelemetry/exporter-${signal}-otlp-${FORMATS[variant.protocol]}`);
  const made = new found[`OTLP${kind}Exporter`]();
  const send = made.export.bind(made);
  // The SDK keeps to itself how an export ended.
  const note = (done) => (result) => {
    variant.ended[signal] = result;
    done(result);
  };
  made.export = (records, done) =>
    withEnvironment(variant.environment, () => send(records, note(done)));
  return made;
}

// Exporters read the environment while they are made; those over gRPC look for certificates only
// when they send for the first time.
function withEnvironment(values, make) {
  const before = { ...process.env };
  Object.assign(process.env, values);
  try {
    return make();
  } finally {
    process.env = before;
  }
}

// Nothing is exported but by forceFlush.
function batched(Processor, exporter) {
  const options = { scheduledDelayMillis: HOURS_MS, exportTimeoutMillis: HOURS_MS };
  return isCurrent ? new Processor({ exporter, ...options }) : new Processor(exporter, options);
}

function build(variant) {
  variant.ended = {};
  const resource = resourceFromAttributes({ 'service.name': 'real-client' });
  const spans = batched(tracing.BatchSpanProcessor, exporter('trace', 'Trace', variant));
  const records = batched(logs.BatchLogRecordProcessor, exporter('logs', 'Log', variant));
  const reader = new metrics.PeriodicExportingMetricReader({
    exporter: exporter('metrics', 'Metric', variant),
    exportIntervalMillis: HOURS_MS,
    exportTimeoutMillis: HOURS_MS,
  });
  return {
    ...variant,
    trace: new TracerProvider({ resource, spanProcessors: [spans] }),
    logs: new logs.LoggerProvider({ resource, processors: [records] }),
    metrics: new metrics.MeterProvider({ resource, readers: [reader] }),
  };
}

function emit(client, number) {
  const attributes = { run: client.name, number };
  const span = client.trace.getTracer('real-client').startSpan(`work ${number}`, { attributes });
  span.end();
  const within = trace.setSpan(ROOT_CONTEXT, span);
  client.logs.getLogger('real-client').emit({ body: `said ${number}`, attributes, context: within });
  const counter = client.metrics.getMeter('real-client').createCounter('made');
  counter.add(number, { run: client.name });
  return span.spanContext();
}

async function round(client, number) {
  const { traceId, spanId } = emit(client, number);
  for (const signal of ['trace', 'logs', 'metrics']) {
    client.ended[signal] = undefined;
    // A flush fails as its export does, and that is told below.
    await client[signal].forceFlush().catch(() => undefined);
    const { code, error } = client.ended[signal] ?? { code: 1, error: 'nothing was exported' };
    const fact = { run: client.name, signal, number, delivered: code === 0 };
    tell({ ...fact, traceId, spanId, words: error ? String(error) : '' });
  }
}

const say = (...words) => tell({ said: words.map(String).join(' ') });
// Retries are told as verbose; debug would tell every record.
const levels = { error: say, warn: say, info: say, debug: () => undefined, verbose: say };
diag.setLogger(levels, DiagLogLevel.VERBOSE);

const clients = JSON.parse(variants).map((variant) =>
  withEnvironment(variant.environment, () => build(variant)),
);
let last = 0;
let sending = Promise.resolve();

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const first = last + 1;
    last += Number(line);
    const until = last;
    sending = sending.then(() =>
      Promise.all(
        clients.map(async (client) => {
          for (let number = first; number <= until; number++) await round(client, number);
        }),
      ),
    );
  })
  .on('close', async () => {
    await sending;
    const providers = clients.flatMap((client) => [client.trace, client.logs, client.metrics]);
    await Promise.all(providers.map((provider) => provider.shutdown()));
  });
