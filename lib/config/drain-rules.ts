/** Seconds between the limit of what runs, the end of the drain and SIGKILL when nothing else is said. */
export const MARGIN_SECONDS = 10;
/** Drain of what need not finish: seconds to give running tasks back. */
export const GIVE_BACK_SECONDS = 10;
/** Seconds that a process may take to close its connections after the drain (app/src/process/lifecycle.ts). */
export const CLOSING_SECONDS = 5;
/** Longest stop time-out, in seconds: a rollout that waits longer meets CloudFormation's 3 h. */
export const STOP_LIMIT_SECONDS = 7_200;
/** Longest stop time-out on Spot: two minutes' notice less ten seconds until ECS has seen it. */
export const SPOT_STOP_SECONDS = 110;
/** Seconds that a draining instance waits for its tasks: 48 h. */
export const INSTANCE_DRAINING_SECONDS = 172_800;
