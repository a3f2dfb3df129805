import { resolve } from 'node:path';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import type { ImageConfiguration, InstanceType } from '../config';

/** The images of a stack: each folder is built once, however many processes run from it. */
export class ContainerImages extends Construct {
  private readonly assets = new Map<string, DockerImageAsset>();

  constructor(
    scope: Construct,
    id: string,
    private readonly architecture: InstanceType['architecture'],
  ) {
    super(scope, id);
  }

  of(image: ImageConfiguration): ecs.ContainerImage {
    if ('reference' in image) return ecs.ContainerImage.fromRegistry(image.reference);
    const key = JSON.stringify(image);
    const asset = this.assets.get(key) ?? this.build(image);
    this.assets.set(key, asset);
    return ecs.ContainerImage.fromDockerImageAsset(asset);
  }

  /** What .dockerignore leaves out neither reaches the builder nor changes the image. */
  private build({ directory, dockerfile, buildArguments }: Exclude<ImageConfiguration, { reference: string }>) {
    return new DockerImageAsset(this, `Image${this.assets.size === 0 ? '' : this.assets.size + 1}`, {
      directory: resolve(directory),
      file: dockerfile,
      buildArgs: buildArguments,
      platform: this.architecture === 'arm64' ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64,
    });
  }
}
