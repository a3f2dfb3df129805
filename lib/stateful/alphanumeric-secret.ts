import type { RemovalPolicy } from 'aws-cdk-lib';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

export interface AlphanumericSecretProps {
  readonly description: string;
  /** Characters. */
  readonly length: number;
  /** With a user, the secret is JSON with `username` and `password`. @default - the secret is the password alone */
  readonly username?: string;
  /** @default - deleted with the stack */
  readonly removalPolicy?: RemovalPolicy;
}

/** A generated secret of letters and digits only: it needs no escaping in a URL, a shell or an HTTP header. */
export class AlphanumericSecret extends secretsmanager.Secret {
  constructor(scope: Construct, id: string, props: AlphanumericSecretProps) {
    super(scope, id, {
      description: props.description,
      generateSecretString: {
        passwordLength: props.length,
        excludePunctuation: true,
        includeSpace: false,
        ...(props.username !== undefined && {
          secretStringTemplate: JSON.stringify({ username: props.username }),
          generateStringKey: 'password',
        }),
      },
      ...(props.removalPolicy !== undefined && { removalPolicy: props.removalPolicy }),
    });
  }

  /** Always known here; without the type of its own, a `Secret` is no `ISecret` under exactOptionalPropertyTypes. */
  override get secretFullArn(): string {
    return this.secretArn;
  }
}
