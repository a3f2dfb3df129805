import { Duration, Resource } from 'aws-cdk-lib';
import type { IResource } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { IReplicationGroupRef, ReplicationGroupReference } from 'aws-cdk-lib/aws-elasticache';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';

/** Where a server answers; values of the deploy, not of the synth. */
export interface RedisAddress {
  readonly host: string;
  readonly port: string;
}

/** A Valkey or Redis OSS replication group on Amazon ElastiCache. */
export interface IRedisReplicationGroup extends IResource, ec2.IConnectable, IReplicationGroupRef {
  /** @attribute */
  readonly replicationGroupId: string;
  /** Follows the primary through a failover. Absent in cluster mode. */
  readonly primaryEndpoint?: RedisAddress;
  /** Spreads reads over the replicas, which may lag. Absent in cluster mode. */
  readonly readerEndpoint?: RedisAddress;
  /** Tells clients which node has which slots. Only in cluster mode. */
  readonly configurationEndpoint?: RedisAddress;
  /** What a client is given: the configuration endpoint in cluster mode, else the primary endpoint. */
  readonly clientEndpoint: RedisAddress;
  /** The AUTH token, as the whole value of the secret; `secret.grantRead(role)` lets a role read it. */
  readonly secret?: secretsmanager.ISecret;
  /** The CacheClusterId of each node, which is the dimension of its metrics. */
  readonly nodeIds: readonly string[];

  /** A metric of one node, which is one of `nodeIds`. Over 1 minute unless told otherwise. */
  metricOfNode(nodeId: string, metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  /**
   * A metric of the nodes: of the one node, or over all nodes by `across`, because a failover moves the primary.
   * At most 10 nodes, which is CloudWatch's limit.
   * @param metricName a name of https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
   */
  metric(metricName: string, props: RedisMetricOptions): cloudwatch.IMetric;
  /** Percent of the one core that runs commands, of the busiest node. Average over 1 minute. */
  metricEngineCpuUtilization(props?: cloudwatch.MetricOptions): cloudwatch.IMetric;
  /** Percent of maxmemory in use, of the fullest node. Maximum over 1 minute. */
  metricDatabaseMemoryUsagePercentage(props?: cloudwatch.MetricOptions): cloudwatch.IMetric;
  /** Keys that gave way to others, of all nodes. Sum over 1 minute. */
  metricEvictions(props?: cloudwatch.MetricOptions): cloudwatch.IMetric;
  /** Connections of the node that has most; a node takes 65,000. Maximum over 1 minute. */
  metricCurrConnections(props?: cloudwatch.MetricOptions): cloudwatch.IMetric;
  /** Refused logins, of all nodes. Sum over 1 minute. */
  metricAuthenticationFailures(props?: cloudwatch.MetricOptions): cloudwatch.IMetric;
  /** Seconds that the slowest replica is behind. Maximum over 1 minute. */
  metricReplicationLag(props?: cloudwatch.MetricOptions): cloudwatch.IMetric;
}

export interface RedisMetricOptions extends cloudwatch.MetricOptions {
  /** How the nodes' values become one. */
  readonly across: 'MAX' | 'SUM';
}

/** Metrics that one alarm or expression may read; a limit of CloudWatch. */
const METRICS_PER_EXPRESSION = 10;

export abstract class RedisReplicationGroupBase extends Resource implements IRedisReplicationGroup {
  abstract readonly replicationGroupId: string;
  abstract readonly clientEndpoint: RedisAddress;
  abstract readonly connections: ec2.Connections;
  abstract readonly nodeIds: readonly string[];
  abstract readonly primaryEndpoint?: RedisAddress;
  abstract readonly readerEndpoint?: RedisAddress;
  abstract readonly configurationEndpoint?: RedisAddress;
  abstract readonly secret?: secretsmanager.ISecret;

  get replicationGroupRef(): ReplicationGroupReference {
    return { replicationGroupId: this.replicationGroupId };
  }

  metricOfNode(nodeId: string, metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'AWS/ElastiCache',
      metricName,
      dimensionsMap: { CacheClusterId: nodeId },
      period: Duration.minutes(1),
      ...props,
    });
  }

  metric(metricName: string, { across, ...props }: RedisMetricOptions): cloudwatch.IMetric {
    const ofNodes = this.nodeIds.map((nodeId) => this.metricOfNode(nodeId, metricName, props));
    const [only, ...others] = ofNodes;
    if (only !== undefined && others.length === 0) return only;
    if (ofNodes.length > METRICS_PER_EXPRESSION) {
      throw new Error(
        `metric joins at most ${METRICS_PER_EXPRESSION} nodes, got ${ofNodes.length}; use metricOfNode [at ${this.node.path}]`,
      );
    }
    const usingMetrics = Object.fromEntries(ofNodes.map((metric, index) => [`node${index + 1}`, metric]));
    return new cloudwatch.MathExpression({
      expression: `${across}([${Object.keys(usingMetrics).join(', ')}])`,
      usingMetrics,
      label: props.label ?? metricName,
      period: props.period ?? Duration.minutes(1),
    });
  }

  metricEngineCpuUtilization(props?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metric('EngineCPUUtilization', { across: 'MAX', statistic: 'Average', ...props });
  }

  metricDatabaseMemoryUsagePercentage(props?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metric('DatabaseMemoryUsagePercentage', { across: 'MAX', statistic: 'Maximum', ...props });
  }

  metricEvictions(props?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metric('Evictions', { across: 'SUM', statistic: 'Sum', ...props });
  }

  metricCurrConnections(props?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metric('CurrConnections', { across: 'MAX', statistic: 'Maximum', ...props });
  }

  metricAuthenticationFailures(props?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metric('AuthenticationFailures', { across: 'SUM', statistic: 'Sum', ...props });
  }

  metricReplicationLag(props?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    return this.metric('ReplicationLag', { across: 'MAX', statistic: 'Maximum', ...props });
  }
}
