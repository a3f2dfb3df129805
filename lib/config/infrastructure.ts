import { z } from 'zod';
import { asOneOf } from './mends';
import {
  FIELD,
  FIELD_RULE,
  KEY_ARN,
  KEY_ARN_RULE,
  SECRET_ARN,
  SECRET_ARN_RULE,
  byKey,
  choice,
  flag,
  list,
  number,
  record,
  refusal,
  text,
  wholeNumber,
} from './values';

const securityGroupId = text(/^sg-[0-9a-f]{8,17}$/, "a security group's id such as 'sg-0123456789abcdef0'");
const subnets = list(
  text(/^subnet-[0-9a-f]{8,17}$/, "a subnet's id such as 'subnet-0123456789abcdef0'"),
  'a list of at least two subnets',
  2,
);
const secretArn = text(SECRET_ARN, SECRET_ARN_RULE);
const zone = text(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, "a zone such as 'us-east-1a'");
const kmsKeyArn = text(KEY_ARN, KEY_ARN_RULE).optional();
/** Source: RFC 1123, section 2.1: labels of 1 to 63 letters, digits and dashes between dots, 253 characters in all. */
const hostname = text(
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
  'a host name',
);
/** Lower case without the root's dot, as Route 53 and ACM give it back: rules compare names by it. */
const domainName = text(
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  "a domain in lower case without a final dot, such as 'shop.example.org'",
);
const days = (max: number) => wholeNumber(0, max, 'days');

export const network = byKey(
  { rule: '{ natGateways, … } or { existing }' },
  {
    key: 'existing',
    schema: record({
      /** A VPC of your own. */
      existing: record({
        vpcId: text(/^vpc-[0-9a-f]{8,17}$/, "a VPC's id such as 'vpc-0123456789abcdef0'"),
        availabilityZones: list(zone, 'a list of the zones of the subnets, in their order', 2),
        publicSubnetIds: subnets,
        /** Subnets of instances and data; with a way to the internet through NAT. One a zone, in the zones' order. */
        privateSubnetIds: subnets,
      }),
    }),
  },
  {
    schema: record({
      /** Address range of the VPC. */
      cidr: text(/^\d{1,3}(\.\d{1,3}){3}\/(1[6-9]|2[0-2])$/, "a range from /16 to /22 such as '10.20.0.0/16'").default(
        '10.20.0.0/16',
      ),
      /** Zones to spread over. */
      availabilityZones: wholeNumber(2, 3, 'zones').default(2),
      /**
       * Which zones, as many as availabilityZones, where one of the region's first lacks an instance type: set those before
       * the first deploy, because other zones mean other subnets, also those of the database. To name the zones that a
       * stage has, in their order, changes nothing at any time, and keeps them when the region's first become others: a
       * zone drops out of the list when somebody deletes its default subnet. Recommended for production.
       * @default - the region's first
       */
      zoneNames: list(zone, "a list of zones such as ['us-east-1a', 'us-east-1b']", 2).optional(),
      /**
       * NAT gateways. 0: instances stand in public subnets behind closed security groups, which saves 33 USD per month
       * in us-east-1; 1: private subnets, one gateway; as many as zones: no zone depends on another's.
       */
      natGateways: wholeNumber(0, 3, 'gateways'),
      /** Keep flow logs of refused connections for 14 days. */
      flowLogs: flag().default(false),
    }),
  },
);

export const fleet = record({
  /**
   * EC2 instance type; its architecture decides the image's. In a stage that runs it stays of that architecture: new
   * instances would come before new images, and the old images do not run on them (docs/deploy.md).
   */
  instanceType: text(/^[a-z][a-z0-9-]*\.[a-z0-9]+$/, "an EC2 instance type such as 't4g.medium'"),
  min: wholeNumber(1, 100, 'instances'),
  max: wholeNumber(1, 100, 'instances'),
  /** Root volume of each instance; the machine image itself needs 30 GiB. */
  diskGiB: wholeNumber(30, 1_000, 'GiB').default(30),
  /**
   * Release of the ECS-optimised Amazon Linux 2023 image, its date as in the image's name. Raising it rolls the fleet,
   * as another instance type, disk or tag does; a new version of the app does not.
   */
  machineImageRelease: text(/^20\d{6}$/, "a release's date such as '20260901'").default('20260901'),
  /** `bridge`: dynamic host ports. `awsvpc`: an elastic network interface a task, refused where too few fit. */
  networkMode: choice('bridge', 'awsvpc').default('bridge'),
  containerInsights: flag().default(false),
  /**
   * Allow `aws ecs execute-command` into containers. AWS documents it as unsupported with a read-only root file system;
   * folders in memory are mounted for its agent, which has not been verified on AWS.
   */
  ecsExec: flag(),
  /** Spot instances for the worker kinds that ask for them; removing them takes two deploys. @default - none */
  spot: record({
    instanceTypes: list(
      text(/^[a-z][a-z0-9-]*\.[a-z0-9]+$/, "an EC2 instance type such as 't4g.medium'"),
      'a list of instance types',
      1,
    ),
    max: wholeNumber(1, 100, 'instances'),
  }).optional(),
});

export const database = byKey(
  { rule: '{ instanceClass, … } or { existing }' },
  {
    key: 'existing',
    schema: record({
      /** A PostgreSQL that exists already. */
      existing: record({
        host: hostname,
        port: wholeNumber(1, 65_535).default(5432),
        name: text(/^.+$/, "the database's name"),
        user: text(/^[^@:/?#\s]+$/, "the user's name"),
        /** Secret in JSON with the field `password`. */
        secretArn,
        /** ARN of the customer-managed key that encrypts the secret. @default - AWS's own key */
        kmsKeyArn,
        securityGroupId,
        /** What `show max_connections` answers; the connection budget counts against it. */
        maxConnections: wholeNumber(20, 100_000, 'connections'),
      }),
    }),
  },
  {
    schema: record({
      /** RDS instance class without `db.`, such as `t4g.small`. */
      instanceClass: text(/^[a-z][a-z0-9-]*\.[a-z0-9]+$/, "an RDS instance class without 'db.', such as 't4g.small'"),
      /** Full minor version; the task engine needs PostgreSQL 15 to 18. */
      engineVersion: text(/^1[5-8]\.\d{1,2}$/, "a full version of PostgreSQL 15 to 18, such as '18.6'").default('18.6'),
      /** Let a deploy raise the major version of engineVersion, with minutes without the database; false again after it. */
      allowMajorVersionUpgrade: flag().default(false),
      storageGiB: wholeNumber(20, 65_536, 'GiB').default(20),
      /** Storage grows by itself up to this. */
      maxStorageGiB: wholeNumber(22, 65_536, 'GiB').default(100),
      multiAz: flag(),
      backupDays: wholeNumber(1, 35, 'days').default(7),
      deletionProtection: flag(),
      /** Name of the database and of its owner. */
      name: text(
        /^[a-z][a-z0-9_]{0,62}$/,
        'lower-case letters, digits and underscores, starting with a letter',
      ).default('app'),
      user: text(
        /^[a-z][a-z0-9_]{0,62}$/,
        'lower-case letters, digits and underscores, starting with a letter',
      ).default('app'),
      /** Start from this snapshot instead of empty. Changing it later REPLACES the database. */
      fromSnapshot: text(/^[A-Za-z][A-Za-z0-9:/-]*$/, "a snapshot's name or ARN").optional(),
    }),
  },
);

const nodeType = text(/^cache\.[a-z][a-z0-9-]*\.[a-z0-9]+$/, "an ElastiCache node type such as 'cache.t4g.micro'");
const valkeyVersion = text(/^(7\.2|8\.[0-2]|9\.[01])$/, "a Valkey version: '7.2', '8.0', '8.1', '8.2', '9.0' or '9.1'");

export const redis = byKey(
  { rule: '{ queue, cache } or { existing }' },
  {
    key: 'existing',
    schema: record({
      existing: record({
        host: hostname,
        port: wholeNumber(1, 65_535).default(6379),
        tls: flag().default(true),
        /** Secret with the AUTH token. */
        secretArn,
        /** The field of the secret that holds it. @default - the whole secret */
        field: text(FIELD, FIELD_RULE).optional(),
        /** ARN of the customer-managed key that encrypts the secret. @default - AWS's own key */
        kmsKeyArn,
        securityGroupId,
      }),
    }),
  },
  {
    schema: record({
      queue: record({
        nodeType,
        engineVersion: valkeyVersion.default('8.2'),
        /** Copies in other zones; with one or more, failover is automatic. From or to 0 takes two steps (docs/deploy.md). */
        replicas: wholeNumber(0, 5, 'replicas'),
        /**
         * `sync`: an answer only after a multi-zone log has it. Needs Valkey 9.0, an R, M or C node and cluster mode,
         * which taskEngine 'holdfast' does not have.
         */
        durability: choice('default', 'async', 'sync', 'disabled').default('default'),
        /**
         * Cluster mode, not with taskEngine 'holdfast', and with a replica; keys need a `{…}` hash tag, which
         * `hashTaggedKeys` declares.
         */
        clusterMode: flag().default(false),
        /** Your engine puts the same `{…}` in all keys of a command (Celery: global_keyprefix '{celery}:'). */
        hashTaggedKeys: flag().default(false),
        snapshotDays: days(35).default(3),
      }),
      /** The cache's node, or 'shared': one node for both under volatile-lru, for stages that may lose the queue. */
      cache: byKey(
        { rule: "'shared' or { nodeType, engineVersion? }" },
        { key: 'nodeType', schema: record({ nodeType, engineVersion: valkeyVersion.default('8.2') }) },
        {
          schema: z.literal('shared', {
            error: refusal("'shared' or { nodeType, engineVersion? }", asOneOf(['shared'])),
          }),
        },
      ),
    }),
  },
);

/** Who hears alarms, and when they sound. */
export const alarms = record({
  emails: list(z.email({ error: refusal('an e-mail address') }), 'a list of e-mail addresses').default([]),
  /** Which set: `essential` watches what loses work or users; `all` adds early signs. */
  set: choice('essential', 'all'),
  oldestAgeSeconds: wholeNumber(30, 86_400, 'seconds').default(300),
  backlogTasks: wholeNumber(1, 100_000_000, 'tasks').default(10_000),
  latencySeconds: number(0.05, 60, 'seconds').default(2),
});

export const tls = byKey(
  { rule: '{ domain }, { certificateArn } or { httpOnly: { reason } }' },
  {
    key: 'domain',
    schema: record({
      /** Your domain in a Route 53 hosted zone: certificate and address record are made. */
      domain: record({
        name: domainName,
        hostedZoneId: text(/^Z[A-Z0-9]+$/, "a hosted zone's id such as 'Z0123456789'"),
        hostedZoneName: domainName,
      }),
    }),
  },
  {
    key: 'certificateArn',
    schema: record({
      certificateArn: text(
        /^arn:aws[a-z-]*:acm:.+:certificate\/.+$/,
        'the ARN of a certificate in ACM, in the same region',
      ),
    }),
  },
  {
    key: 'httpOnly',
    schema: record({ httpOnly: record({ reason: text(/^.{10,}$/s, 'a sentence of at least 10 characters') }) }),
  },
);

export const budgetUsdPerMonth = number(1, 1_000_000, 'USD per month');
