import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { ECS_RESERVED_MEMORY_MIB } from '../config';
import type { StageConfiguration } from '../config';

type NetworkMode = StageConfiguration['fleet']['networkMode'];

/**
 * Settings of the ECS agent; CDK adds ECS_CLUSTER. Source: "Amazon ECS container agent configuration". What the ECS
 * image sets by itself (roles of tasks, awslogs under the execution role) and what each task definition sets (stop
 * time-outs) is left out.
 */
function agentSettings(networkMode: NetworkMode): Readonly<Record<string, string>> {
  return {
    // Memory of kernel and agents; the rest is what the placement of containers is planned with.
    ECS_RESERVED_MEMORY: String(ECS_RESERVED_MEMORY_MIB),
    ECS_DISABLE_PRIVILEGED: 'true',
    // Images of earlier versions go before a small disk is full: ended containers after an hour, 10 images a round.
    ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '1h',
    ECS_IMAGE_CLEANUP_INTERVAL: '30m',
    ECS_IMAGE_MINIMUM_CLEANUP_AGE: '1h',
    ECS_NUM_IMAGES_DELETE_PER_CYCLE: '10',
    ...(networkMode === 'awsvpc' ? { ECS_AWSVPC_BLOCK_IMDS: 'true' } : {}),
  };
}

/**
 * Keeps containers in network mode bridge from the instance metadata service, a second line behind the hop limit. Only
 * 169.254.169.254 is refused: 169.254.170.2, where tasks get the credentials of their own role, is translated before
 * this chain. As a unit, so that the rule is there again after a reboot, and before the agent starts containers.
 * Source: "How can I prevent containers from accessing Amazon EC2 instance metadata in Amazon ECS?", AWS re:Post.
 */
const BLOCK_METADATA_SERVICE = [
  "cat > /etc/systemd/system/block-instance-metadata.service <<'UNIT'",
  '[Unit]',
  'Description=Keep containers from the credentials of the instance',
  'Requires=docker.service',
  'After=docker.service',
  'Before=ecs.service',
  '[Service]',
  'Type=oneshot',
  'RemainAfterExit=yes',
  "ExecStart=/bin/sh -c 'iptables --check DOCKER-USER --destination 169.254.169.254/32 --jump DROP || iptables --insert DOCKER-USER 1 --destination 169.254.169.254/32 --jump DROP'",
  '[Install]',
  'WantedBy=ecs.service',
  'UNIT',
  'systemctl daemon-reload',
  // Without waiting: the agent's unit waits for the end of this script.
  'systemctl enable --now --no-block block-instance-metadata.service',
];

/** Writes what an instance does when it starts, before its agent starts. */
export function configureInstance({ userData }: ec2.LaunchTemplate, networkMode: NetworkMode): void {
  const settings = Object.entries(agentSettings(networkMode)).map(([name, value]) => `${name}=${value}`);
  userData?.addCommands("cat >> /etc/ecs/ecs.config <<'SETTINGS'", ...settings, 'SETTINGS');
  if (networkMode === 'bridge') userData?.addCommands(...BLOCK_METADATA_SERVICE);
}
