import { ConfigurationError, loadStage } from '../../lib/config';
import type { Configuration, LoadedStage } from '../../lib/config';
import { mergeLayers } from '../../lib/config/merge';

/** A configuration without mistakes and warnings, in one stage like production. */
export const shop = {
  name: 'shop',
  image: { directory: 'app' },
  web: { command: ['serve'] },
  workers: { default: { command: ['work'], queues: [{ name: 'default' }] } },
  scheduler: { command: ['tick'] },
  migration: { command: ['migrate'] },
  tls: { httpOnly: { reason: 'Only colleagues reach it, through a tunnel.' } },
  alarms: { emails: ['on-call@example.org'] },
  stages: { production: { region: 'us-east-1' } },
} as const satisfies Configuration;

/** The shop with changes; those under `stages.production` stand in the stage. What is not its type's is what is tested. */
export function shopWith(...changes: readonly object[]): Configuration {
  return mergeLayers([shop, ...changes]) as Configuration;
}

export function production(...changes: readonly object[]): LoadedStage {
  return loadStage(shopWith(...changes), 'production');
}

/** Every mistake that loading the stage names. */
export function mistakesOf(configuration: Configuration, stage = 'production'): readonly string[] {
  try {
    loadStage(configuration, stage);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.mistakes;
    throw error;
  }
}
