import { resolve } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import type { ImageConfiguration, InstanceType } from '../config';

/**
 * A reference to a repository of Amazon ECR that is not public: only with its parts known does a task's execution role
 * get the right to pull. A digest goes before a tag, as it does for Docker.
 */
const PRIVATE_ECR =
  /^(?<account>\d{12})\.dkr\.ecr\.(?<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/(?<name>[^:@]+)(?::(?<tag>[^@]+))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

/** The images of a stack: each folder is built once, however many processes run from it. */
export class ContainerImages extends Construct {
  private readonly assets = new Map<string, DockerImageAsset>();
  private readonly repositories = new Map<string, ecr.IRepository>();

  constructor(
    scope: Construct,
    id: string,
    private readonly architecture: InstanceType['architecture'],
  ) {
    super(scope, id);
  }

  of(image: ImageConfiguration): ecs.ContainerImage {
    if ('reference' in image) return this.pulled(image.reference);
    const key = JSON.stringify(image);
    const asset = this.assets.get(key) ?? this.build(image);
    this.assets.set(key, asset);
    return ecs.ContainerImage.fromDockerImageAsset(asset);
  }

  private pulled(reference: string): ecs.ContainerImage {
    const { account, region, name, tag, digest } = PRIVATE_ECR.exec(reference)?.groups ?? {};
    if (account === undefined || region === undefined || name === undefined) {
      return ecs.ContainerImage.fromRegistry(reference);
    }
    const repositoryArn = Stack.of(this).formatArn({
      service: 'ecr',
      account,
      region,
      resource: 'repository',
      resourceName: name,
    });
    const repository =
      this.repositories.get(repositoryArn) ??
      ecr.Repository.fromRepositoryAttributes(this, `Repository${this.repositories.size + 1}`, {
        repositoryArn,
        repositoryName: name,
      });
    this.repositories.set(repositoryArn, repository);
    return ecs.ContainerImage.fromEcrRepository(repository, digest ?? tag);
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
