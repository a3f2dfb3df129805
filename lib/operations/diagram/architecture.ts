import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { resolveStage } from '../../config';
import type { Configuration } from '../../config';
import { DeploymentStage } from '../../deployment-stage';
import { draw } from './draw';
import { readModel } from './model';
import type { SynthesizedStacks } from './model';
import type { Template } from './templates';

/** Synthesises a stage in a folder that is removed again. */
export function synthesizeStacks(configuration: Configuration, stage: string): SynthesizedStacks {
  const outdir = mkdtempSync(join(tmpdir(), 'holdfast-diagram-'));
  try {
    const app = new App({ outdir });
    const { stateful, stateless } = new DeploymentStage(app, stage, { configuration });
    const assembly = app.synth();
    const templateOf = (name: string): Template => assembly.getStackByName(name).template as Template;
    return {
      name: configuration.name,
      stage,
      region: stateful.region,
      stackNames: { stateful: stateful.stackName, stateless: stateless.stackName },
      stateful: templateOf(stateful.stackName),
      stateless: templateOf(stateless.stackName),
    };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** What a stage lacks of what the picture shows, in a sentence. @throws ConfigurationError for wrong values. */
export function whyNotDrawn(configuration: Configuration, stage: string): string | undefined {
  const { network, database, redis } = resolveStage(configuration, stage);
  const lacks = [
    ...Object.entries({ network, database, redis }).flatMap(([key, value]) =>
      'existing' in value ? [`${key}.existing`] : [],
    ),
    ...('existing' in network || network.availabilityZones === 2
      ? []
      : [`network.availabilityZones ${network.availabilityZones}`]),
  ];
  return lacks.length === 0
    ? undefined
    : `The stage ${stage} has ${lacks.join(' and ')}; drawn are stages that make a network over two zones, a database and Redis: choose another with --stage.`;
}

/** The same templates give the same text. */
export function architectureSvg(stacks: SynthesizedStacks): string {
  return draw(readModel(stacks));
}
