import { get } from 'node:http';
import contract from './dist/contract.js';

/*
 * The image's health check: exit code 0 when the process of this container answers /healthz. Web answers it on its own
 * port; where nobody listens on that one, the process is a worker or the scheduler, which answer on the metrics port.
 */
const { ENVIRONMENT, PATHS, PORTS } = contract;
/** Below the check's own time-out, so that it is this process that says why. */
const LIMIT_MS = 4000;

function ask(port) {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: PATHS.health, timeout: LIMIT_MS }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`port ${port} answered ${response.statusCode}`));
    });
    request.on('timeout', () => request.destroy(new Error(`port ${port} gave no answer within ${LIMIT_MS} ms`)));
    request.on('error', reject);
  });
}

try {
  await ask(process.env[ENVIRONMENT.port] || PORTS.web).catch((error) => {
    if (error.code !== 'ECONNREFUSED') throw error;
    return ask(process.env[ENVIRONMENT.metricsPort] || PORTS.metrics);
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
