import {
  AutoScalingClient,
  DeleteLifecycleHookCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeLifecycleHooksCommand,
  SetInstanceProtectionCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import type { AutoScalingGroup, Instance } from '@aws-sdk/client-auto-scaling';

export interface ScaleInReleaseProperties {
  readonly AutoScalingGroupName: string;
}

export interface ScaleInReleaseEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResourceProperties: ScaleInReleaseProperties;
}

export interface ScaleInReleaser {
  readonly autoScaling: Pick<AutoScalingClient, 'send'>;
  /** Waits until it makes sense to look again. */
  readonly pause: () => Promise<void>;
  /** @returns milliseconds until the function is ended */
  readonly remaining: () => number;
}

/** What the capacity provider calls the hook by which Amazon ECS drains instances. */
const DRAINING_HOOK = 'ecs-managed-draining-termination-hook';
/** Instances that one SetInstanceProtection takes. Source: its API reference. */
const BATCH = 50;
/** States in which SetInstanceProtection takes an instance; in any other it refuses the whole batch, says its error. */
const RELEASABLE: readonly (string | undefined)[] = ['InService', 'EnteringStandby', 'Standby'];
/** Between two looks at the group. */
const PAUSE_MILLISECONDS = 5_000;
/** Left for one more look and the answer. */
const RESERVE_MILLISECONDS = 15_000;

/** Takes off a group, when it is about to be deleted, what Amazon ECS left on it. Creation and update do nothing. */
export async function release(
  event: ScaleInReleaseEvent,
  releaser: ScaleInReleaser,
): Promise<{ readonly PhysicalResourceId: string }> {
  const { AutoScalingGroupName } = event.ResourceProperties;
  if (event.RequestType === 'Delete') await releaseGroup(AutoScalingGroupName, releaser);
  return { PhysicalResourceId: AutoScalingGroupName };
}

/**
 * An instance is protected as the group said when its launch began. So the group's own setting goes first, and then the
 * instances are looked at until none is protected and none is on its way that began before.
 * @throws when that takes longer than the function may, with the instances; a second deletion tries it again.
 */
async function releaseGroup(AutoScalingGroupName: string, releaser: ScaleInReleaser): Promise<void> {
  const { autoScaling, pause, remaining } = releaser;
  if ((await find(AutoScalingGroupName, releaser)) === undefined) return;
  await autoScaling.send(
    new UpdateAutoScalingGroupCommand({ AutoScalingGroupName, NewInstancesProtectedFromScaleIn: false }),
  );
  await removeHook(AutoScalingGroupName, releaser);
  for (;;) {
    const held = ((await find(AutoScalingGroupName, releaser))?.Instances ?? []).filter(mayHold);
    if (held.length === 0) return;
    if (remaining() < RESERVE_MILLISECONDS) {
      const instances = held.map(({ InstanceId, LifecycleState }) => `${InstanceId} (${LifecycleState})`).join(', ');
      throw new Error(
        `The group ${AutoScalingGroupName} still has instances that are protected from scale-in or starting: ${instances}; delete the stack again, or take their protection off by hand.`,
      );
    }
    await unprotect(AutoScalingGroupName, held, releaser);
    await pause();
  }
}

async function find(name: string, { autoScaling }: ScaleInReleaser): Promise<AutoScalingGroup | undefined> {
  const { AutoScalingGroups = [] } = await autoScaling.send(
    new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }),
  );
  return AutoScalingGroups[0];
}

/** Protection ends no instance that is under way to its end or out of the group. */
function mayHold({ LifecycleState, ProtectedFromScaleIn }: Instance): boolean {
  return (
    LifecycleState?.startsWith('Pending') === true ||
    (ProtectedFromScaleIn === true && RELEASABLE.includes(LifecycleState))
  );
}

async function unprotect(
  AutoScalingGroupName: string,
  held: readonly Instance[],
  { autoScaling }: ScaleInReleaser,
): Promise<void> {
  const ids = held.flatMap(({ InstanceId, LifecycleState }) =>
    InstanceId !== undefined && RELEASABLE.includes(LifecycleState) ? [InstanceId] : [],
  );
  for (let start = 0; start < ids.length; start += BATCH) {
    const InstanceIds = ids.slice(start, start + BATCH);
    const command = new SetInstanceProtectionCommand({
      AutoScalingGroupName,
      InstanceIds,
      ProtectedFromScaleIn: false,
    });
    await autoScaling.send(command).catch((error: unknown) => {
      // One of them has left its state since it was looked at: the next look leaves it out.
      if (!(error instanceof Error) || error.name !== 'ValidationError') throw error;
    });
  }
}

/** Deleting the hook also ends the wait of instances that are under way to their end. */
async function removeHook(AutoScalingGroupName: string, { autoScaling }: ScaleInReleaser): Promise<void> {
  const { LifecycleHooks = [] } = await autoScaling.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName }));
  if (!LifecycleHooks.some(({ LifecycleHookName }) => LifecycleHookName === DRAINING_HOOK)) return;
  await autoScaling.send(new DeleteLifecycleHookCommand({ AutoScalingGroupName, LifecycleHookName: DRAINING_HOOK }));
}

export const handler = (
  event: ScaleInReleaseEvent,
  context: { readonly getRemainingTimeInMillis: () => number },
): ReturnType<typeof release> =>
  release(event, {
    autoScaling: new AutoScalingClient(),
    pause: () => new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS)),
    remaining: () => context.getRemainingTimeInMillis(),
  });
