import { Match, synthesize } from './synthesize';

const DOMAIN = { domain: { name: 'app.example.org', hostedZoneId: 'Z0123456789', hostedZoneName: 'example.org' } };
const ARN = 'arn:aws:acm:us-east-1:123456789012:certificate/0';

describe('the load balancer', () => {
  const { template, stack } = synthesize();

  test('is reached on port 80 only, where there is no certificate', () => {
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::Listener', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [Match.objectLike({ FromPort: 80, ToPort: 80, CidrIp: '0.0.0.0/0' })],
    });
    expect(stack.web.url).toMatch(/^http:\/\//);
  });

  test('is reached from the address ranges of the configuration and from nowhere else', () => {
    const narrowed = synthesize({ allowedCidrs: ['203.0.113.0/24'] }).template;

    expect(JSON.stringify(narrowed.findResources('AWS::EC2::SecurityGroup'))).not.toContain(
      '"CidrIp":"0.0.0.0/0","Description":"port',
    );
    narrowed.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [Match.objectLike({ CidrIp: '203.0.113.0/24' })],
    });
  });

  test('reaches the ports that Docker gives out, and instances let in nothing else', () => {
    const ports = { FromPort: 32768, ToPort: 65535, IpProtocol: 'tcp' };

    template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', ports);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', ports);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', { SecurityGroupIngress: Match.absent() });
  });

  test('reaches the one port of the container in network mode awsvpc', () => {
    const awsvpc = synthesize({ fleet: { networkMode: 'awsvpc', instanceType: 'm7g.large' } }).template;

    awsvpc.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 8080, ToPort: 8080 });
    awsvpc.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', { TargetType: 'ip', Port: 8080 });
  });

  test('redirects to HTTPS with a modern policy, given a certificate', () => {
    const secured = synthesize({ tls: { certificateArn: ARN } }).template;

    secured.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 80,
      DefaultActions: [
        { Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' } },
      ],
    });
    secured.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Certificates: [{ CertificateArn: ARN }],
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09',
    });
  });

  test('has a certificate and an address, given a domain', () => {
    const { template: named, stack: namedStack } = synthesize({ tls: DOMAIN });

    named.hasResourceProperties('AWS::CertificateManager::Certificate', {
      DomainName: 'app.example.org',
      ValidationMethod: 'DNS',
    });
    named.hasResourceProperties('AWS::Route53::RecordSet', { Name: 'app.example.org.', Type: 'A' });
    expect(namedStack.web.url).toBe('https://app.example.org');
  });

  test('refuses invalid headers, logs every request, and ends idle connections before the app does', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      LoadBalancerAttributes: Match.arrayWith([
        { Key: 'idle_timeout.timeout_seconds', Value: '60' },
        { Key: 'routing.http.drop_invalid_header_fields.enabled', Value: 'true' },
        { Key: 'access_logs.s3.enabled', Value: 'true' },
      ]),
    });
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 90 })] },
    });
  });

  // It would outlast the rollback of a first deploy that failed; the stack has termination protection instead.
  test('can always be deleted with its stack', () => {
    for (const stage of ['dev', 'production']) {
      const balancers = JSON.stringify(synthesize({}, stage).resources('AWS::ElasticLoadBalancingV2::LoadBalancer'));
      expect(balancers).not.toContain('"deletion_protection.enabled","Value":"true"');
    }
  });
});

describe('the web service', () => {
  const { template } = synthesize();

  test('gives open requests the time of the drain budget', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      HealthCheckPath: '/healthz',
      HealthCheckPort: 'traffic-port',
      TargetGroupAttributes: Match.arrayWith([
        { Key: 'deregistration_delay.timeout_seconds', Value: '30' },
        { Key: 'load_balancing.algorithm.type', Value: 'least_outstanding_requests' },
      ]),
    });
  });

  test('scales on requests and on CPU between its limits', () => {
    for (const PredefinedMetricType of ['ALBRequestCountPerTarget', 'ECSServiceAverageCPUUtilization']) {
      template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
        PolicyType: 'TargetTrackingScaling',
        TargetTrackingScalingPolicyConfiguration: { PredefinedMetricSpecification: { PredefinedMetricType } },
      });
    }
  });

  test('leaves the number of containers to scaling when it is deployed', () => {
    template.hasResourceProperties('AWS::ECS::Service', {
      ServiceName: 'web',
      DesiredCount: Match.absent(),
      AvailabilityZoneRebalancing: 'ENABLED',
    });
  });

  test('has a fixed number of containers where the limits are equal', () => {
    const fixed = synthesize({ web: { scaling: { min: 2, max: 2 } } }).template;

    fixed.hasResourceProperties('AWS::ECS::Service', { ServiceName: 'web', DesiredCount: 2 });
  });
});
