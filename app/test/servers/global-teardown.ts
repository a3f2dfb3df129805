import './shared-servers';

/** Ends everything that the run started and removes its folder. */
async function globalTeardown(): Promise<void> {
  const servers = globalThis.holdfastTestServers;
  if (!servers) return;
  await Promise.all([servers.postgres.stop(), servers.redis.stop()]);
  await servers.reaper.finish();
}

export { globalTeardown as default };
