import { rmSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import cdk from '../../cdk.json';
import reference from '../../holdfast.config';
import type { Configuration } from '../../lib/config';
import { DeploymentStage } from '../../lib/deployment-stage';
import type { Deployment } from '../../lib/deployment-stage';

// The CDK's own validation takes seconds a synth; synth-command.test.ts runs with it.
process.env.CDK_VALIDATION = 'false';

export const STAGES = ['dev', 'production'] as const;

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface TemplateJson {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Type: string; readonly Default?: string }>>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
}

export interface SynthesizedStage {
  readonly stacks: DeploymentStage;
  readonly app: App;
  readonly stateful: Template;
  readonly stateless: Template;
  /** Both templates as they are written, `stateful` and `stateless`. */
  readonly json: { readonly stateful: TemplateJson; readonly stateless: TemplateJson };
}

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Synthesises one stage of a configuration, by default the reference app's, in a folder that is removed at exit. */
export function synthesize(
  stage: string,
  configuration: Configuration = reference,
  customize?: Deployment['customize'],
): SynthesizedStage {
  // The feature flags of `npx cdk`, without which the templates differ from those that are deployed.
  const app = new App({ context: cdk.context });
  const stacks = new DeploymentStage(app, stage, {
    configuration,
    ...(customize === undefined ? {} : { customize }),
  });
  const stateful = Template.fromStack(stacks.stateful);
  const stateless = Template.fromStack(stacks.stateless);
  folders.push(app.outdir);
  return {
    stacks,
    app,
    stateful,
    stateless,
    json: { stateful: stateful.toJSON() as TemplateJson, stateless: stateless.toJSON() as TemplateJson },
  };
}

/** Replaces what depends on the content of the image, of Lambda code and of the account's bootstrap. */
export function scrubHashes<T>(template: T): T {
  return JSON.parse(
    JSON.stringify(template)
      .replaceAll(/[0-9a-f]{64}/g, 'ASSET_HASH')
      .replaceAll(/CurrentVersion[0-9A-Fa-f]{40,}/g, 'CurrentVersionHASH'),
  ) as T;
}

/** The resources of a type, with their logical ids. */
export function resourcesOf(template: TemplateJson, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}
