import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { synthesize } from './synthesize';

interface FunctionProperties {
  readonly Code: { readonly S3Key: string };
  readonly Runtime: string;
  readonly Timeout: number;
}

describe('the functions of custom resources', () => {
  const { app, resources } = synthesize();
  const functions = Object.entries(resources('AWS::Lambda::Function'))
    .filter(([id]) => /^(Fleet|Migration).*(OnEvent|IsComplete)Function/.test(id))
    .map(([id, { Properties }]) => [id, Properties as unknown as FunctionProperties] as const);
  const codeOf = ({ Code }: FunctionProperties): string =>
    readFileSync(join(app.outdir, `asset.${Code.S3Key.replace('.zip', '')}`, 'index.js'), 'utf8');

  test('hold the code of three handlers, each its own', () => {
    const code = functions.map(([, properties]) => codeOf(properties));

    expect(new Set(code).size).toBe(3);
    expect(code.filter((text) => text.includes('RunTaskCommand'))).toHaveLength(1);
    expect(code.filter((text) => text.includes('GetLogEventsCommand'))).toHaveLength(1);
    expect(code.filter((text) => text.includes('SetInstanceProtectionCommand'))).toHaveLength(1);
  });

  test('take the AWS SDK from their runtime', () => {
    for (const [, properties] of functions) {
      expect(codeOf(properties)).toMatch(/require\("@aws-sdk\/client-/);
      expect(codeOf(properties).length).toBeLessThan(20_000);
    }
  });

  test('run on the newest Node.js of AWS Lambda', () => {
    expect(functions.map(([, { Runtime }]) => Runtime)).toEqual(['nodejs24.x', 'nodejs24.x', 'nodejs24.x']);
  });
});
