import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { LoadBalancerTarget } from 'aws-cdk-lib/aws-route53-targets';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';

export interface LoadBalancerProps {
  readonly configuration: StageConfiguration;
  readonly vpc: ec2.IVpc;
}

/** Below the 65 seconds or more that the app keeps idle connections, so that it is never the app that ends one first. */
const IDLE_TIMEOUT = Duration.seconds(60);

/** The only thing that is reached from the internet: an Application Load Balancer with its certificate and access log. */
export class LoadBalancer extends Construct {
  readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  /** Where requests come in that are for the app. */
  readonly listener: elbv2.ApplicationListener;
  /** Where people reach the app, without a slash at the end. */
  readonly url: string;

  constructor(scope: Construct, id: string, { configuration, vpc }: LoadBalancerProps) {
    super(scope, id);
    const { name, stage, allowedCidrs } = configuration;
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: `${name} ${stage}: load balancer`,
      allowAllOutbound: false,
    });
    this.loadBalancer = new elbv2.ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      internetFacing: true,
      securityGroup,
      idleTimeout: IDLE_TIMEOUT,
      dropInvalidHeaderFields: true,
      desyncMitigationMode: elbv2.DesyncMitigationMode.DEFENSIVE,
    });
    this.loadBalancer.logAccessLogs(this.accessLogs(configuration) as s3.IBucket);
    const certificate = this.certificate(configuration);
    this.listener = this.listen(certificate);
    for (const cidr of allowedCidrs) {
      for (const port of certificate === undefined ? [80] : [80, 443]) {
        securityGroup.addIngressRule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(port), `port ${port} from ${cidr}`);
      }
    }
    this.url = this.address(configuration, certificate === undefined ? 'http' : 'https');
    if (allowedCidrs.includes('0.0.0.0/0')) {
      Validations.of(securityGroup).acknowledge({
        id: 'AwsSolutions-EC23',
        reason: 'The load balancer is where the public reaches the app; allowedCidrs of the configuration narrows it.',
      });
    }
  }

  private listen(certificate: acm.ICertificate | undefined): elbv2.ApplicationListener {
    // Closed by itself: the rules of the security group are those of the configuration.
    const http = { port: 80, protocol: elbv2.ApplicationProtocol.HTTP, open: false };
    if (certificate === undefined) return this.loadBalancer.addListener('Http', http);
    this.loadBalancer.addListener('Http', {
      ...http,
      defaultAction: elbv2.ListenerAction.redirect({ protocol: 'HTTPS', port: '443', permanent: true }),
    });
    return this.loadBalancer.addListener('Https', {
      port: 443,
      protocol: elbv2.ApplicationProtocol.HTTPS,
      certificates: [certificate],
      // TLS 1.3 and 1.2, forward secrecy and authenticated encryption only, post-quantum key exchange where both can.
      sslPolicy: elbv2.SslPolicy.TLS13_12_RES_PQ,
      open: false,
    });
  }

  private certificate({ tls }: StageConfiguration): acm.ICertificate | undefined {
    if (tls === undefined || 'httpOnly' in tls) return undefined;
    if ('certificateArn' in tls) return acm.Certificate.fromCertificateArn(this, 'Certificate', tls.certificateArn);
    const { name, hostedZoneId, hostedZoneName } = tls.domain;
    const zone = route53.HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId, zoneName: hostedZoneName });
    new route53.ARecord(this, 'Address', {
      zone,
      recordName: name,
      target: route53.RecordTarget.fromAlias(new LoadBalancerTarget(this.loadBalancer)),
    });
    return new acm.Certificate(this, 'Certificate', {
      domainName: name,
      validation: acm.CertificateValidation.fromDns(zone),
    });
  }

  private address({ tls }: StageConfiguration, scheme: 'http' | 'https'): string {
    const host = tls !== undefined && 'domain' in tls ? tls.domain.name : this.loadBalancer.loadBalancerDnsName;
    return `${scheme}://${host}`;
  }

  private accessLogs({ logRetentionDays }: StageConfiguration): s3.Bucket {
    const bucket = new s3.Bucket(this, 'AccessLogs', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      // The only encryption that load balancers can write with.
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      lifecycleRules: [
        { expiration: Duration.days(logRetentionDays), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: RemovalPolicy.DESTROY,
      autoDeleteObjects: true,
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'It holds access logs itself, which only the load balancer writes.',
    });
    return bucket;
  }
}
