import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Endpoint, PostgresEndpoint, RedisEndpoint } from './backing-services';
import { redisNodeIds } from './redis-node-ids';
import type { RedisShape } from './redis-node-ids';

export interface ImportedServerProps {
  /** The port for security group rules. */
  readonly listensOn: number;
  /** @default - the whole secret */
  readonly secretField?: string;
  /** ARN of the customer-managed key that encrypts the secret. @default - AWS's own key */
  readonly kmsKeyArn?: string | undefined;
  /** The value of a field, such as `host`; undefined for what is not known of a server of the user's own. */
  readonly read: (field: string) => string | undefined;
}

/**
 * A server that stands outside the scope's stack. Values are read when they are first used: a template parameter that
 * nothing uses would be a warning.
 */
class ImportedServer extends Construct implements Endpoint {
  readonly secretField?: string;
  readonly kmsKeyArn?: string | undefined;
  private importedConnections?: ec2.Connections;
  private importedSecret?: secretsmanager.ISecret;

  constructor(
    scope: Construct,
    id: string,
    private readonly server: ImportedServerProps,
  ) {
    super(scope, id);
    if (server.secretField !== undefined) this.secretField = server.secretField;
    this.kmsKeyArn = server.kmsKeyArn;
  }

  get host(): string {
    return this.required('host');
  }

  get port(): string {
    return this.required('port');
  }

  get connections(): ec2.Connections {
    this.importedConnections ??= new ec2.Connections({
      securityGroups: [
        ec2.SecurityGroup.fromSecurityGroupId(this, 'SecurityGroup', this.required('security-group-id'), {
          mutable: true,
        }),
      ],
      defaultPort: ec2.Port.tcp(this.server.listensOn),
    });
    return this.importedConnections;
  }

  get secret(): secretsmanager.ISecret {
    this.importedSecret ??= secretsmanager.Secret.fromSecretCompleteArn(this, 'Secret', this.required('secret-arn'));
    return this.importedSecret;
  }

  protected read(field: string): string | undefined {
    return this.server.read(field);
  }

  private required(field: string): string {
    const value = this.read(field);
    if (value === undefined) throw new Error(`${this.node.path} has no ${field}`);
    return value;
  }
}

export interface ImportedPostgresProps extends ImportedServerProps {
  readonly name: string;
  readonly user: string;
}

export class ImportedPostgres extends ImportedServer implements PostgresEndpoint {
  readonly name: string;
  readonly user: string;

  constructor(scope: Construct, id: string, props: ImportedPostgresProps) {
    super(scope, id, props);
    this.name = props.name;
    this.user = props.user;
  }

  get instanceId(): string | undefined {
    return this.read('instance-id');
  }
}

export interface ImportedRedisProps extends ImportedServerProps {
  readonly tls: boolean;
  /** How many nodes it has. @default - one */
  readonly shape?: RedisShape;
}

export class ImportedRedis extends ImportedServer implements RedisEndpoint {
  readonly tls: boolean;
  private readonly shape: RedisShape;

  constructor(scope: Construct, id: string, props: ImportedRedisProps) {
    super(scope, id, props);
    this.tls = props.tls;
    this.shape = props.shape ?? {};
  }

  get nodeIds(): readonly string[] | undefined {
    const replicationGroupId = this.read('replication-group-id');
    return replicationGroupId === undefined ? undefined : redisNodeIds(replicationGroupId, this.shape);
  }
}

/** A server of the user's own, as the configuration names it. */
export interface ExistingServer {
  readonly host: string;
  readonly port: number;
  readonly secretArn: string;
  readonly securityGroupId: string;
}

/** Of a server of the user's own: its fields by the names under which those of the stacks' own are published. */
export function knownFields({ host, port, secretArn, securityGroupId }: ExistingServer): ImportedServerProps['read'] {
  const values: Readonly<Record<string, string>> = {
    host,
    port: String(port),
    'secret-arn': secretArn,
    'security-group-id': securityGroupId,
  };
  return (field) => values[field];
}
