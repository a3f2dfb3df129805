import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { instanceType } from '../config';
import type { InstanceType } from '../config';

/** @throws when nothing is known of the instance type; a configuration that was checked names none of these. */
export function architectureOf(name: string): InstanceType['architecture'] {
  const type = instanceType(name);
  if (type === undefined) throw new Error(`nothing is known of the instance type "${name}"`);
  return type.architecture;
}

/**
 * One release of the ECS-optimised Amazon Linux 2023 image. Its parameter never changes, so CloudFormation finds the
 * same image at every deploy, and a release that the region does not have fails the deploy instead of the first launch.
 * Source: "Retrieving Amazon ECS-optimized Linux AMI metadata", ECS developer guide.
 */
export function machineImage(release: string, architecture: InstanceType['architecture']): ec2.IMachineImage {
  const [folder, suffix] = architecture === 'arm64' ? ['/arm64', 'arm64'] : ['', 'x86_64'];
  return ec2.MachineImage.fromSsmParameter(
    `/aws/service/ecs/optimized-ami/amazon-linux-2023${folder}/al2023-ami-ecs-hvm-2023.0.${release}-kernel-6.1-${suffix}/image_id`,
    { os: ec2.OperatingSystemType.LINUX, userData: ec2.UserData.forLinux() },
  );
}
