import { z } from 'zod';
import { abortAfter } from './abort-after';

/** The agent gives up its own call to Amazon ECS after 4 s and answers that; a little more, so that its answer arrives. */
const AGENT_TIMEOUT_MS = 5_000;

export interface Protection {
  readonly enabled: boolean;
  /** 1 to 2,880; needs `enabled`. */
  readonly expiresInMinutes?: number;
}

/** What the agent says about this container's task; the other fields do not matter here. */
const metadataSchema = z.object({
  Cluster: z.string(),
  Family: z.string(),
  Revision: z.string(),
  /** Missing for a task that belongs to no service, or with an agent before 1.63.1. */
  ServiceName: z.string().optional(),
});
export type TaskMetadata = z.infer<typeof metadataSchema>;

const answerSchema = z.object({
  protection: z.object({ ProtectionEnabled: z.boolean() }).optional(),
  failure: z.object({ Reason: z.string().optional(), Detail: z.string().nullish() }).optional(),
  error: z.object({ Code: z.string().optional(), Message: z.string().optional() }).optional(),
});

/**
 * The Amazon ECS agent's endpoints inside a container.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
 */
export class EcsAgentClient {
  constructor(
    /** ECS_AGENT_URI */
    private readonly agentUri: string,
    /** ECS_CONTAINER_METADATA_URI_V4; undefined: `metadata` answers undefined. */
    private readonly metadataUri: string | undefined,
  ) {}

  /**
   * Protects this container's task from scale-in, or ends that.
   * @throws Error with the agent's reason when it refuses, fails, or does not answer within 5 s; what holds is then unknown.
   */
  async protect({ enabled, expiresInMinutes }: Protection, signal: AbortSignal): Promise<void> {
    // The agent refuses a body with any other field.
    const body = {
      ProtectionEnabled: enabled,
      ...(expiresInMinutes === undefined ? {} : { ExpiresInMinutes: expiresInMinutes }),
    };
    const { response, text } = await request(
      `${this.agentUri}/task-protection/v1/state`,
      { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      signal,
    );
    const answer = parsed(text);
    // A refusal by Amazon ECS comes as `failure`, with the status 200.
    if (response.ok && answer?.protection?.ProtectionEnabled === enabled) return;
    const reason = answer?.failure?.Reason ?? answer?.error?.Code ?? `status ${response.status}`;
    const detail = answer?.failure?.Detail ?? answer?.error?.Message;
    throw new Error(`the Amazon ECS agent says ${reason}${detail === undefined ? '' : `: ${detail}`}`);
  }

  /** @throws Error when the agent does not answer within 5 s or not as documented. */
  async metadata(signal: AbortSignal): Promise<TaskMetadata | undefined> {
    if (this.metadataUri === undefined) return undefined;
    const { response, text } = await request(`${this.metadataUri}/task`, {}, signal);
    if (!response.ok) throw new Error(`the Amazon ECS agent's metadata answers ${response.status}`);
    return metadataSchema.parse(JSON.parse(text));
  }
}

function request(
  url: string,
  options: RequestInit,
  signal: AbortSignal,
): Promise<{ readonly response: Response; readonly text: string }> {
  return abortAfter(AGENT_TIMEOUT_MS, signal, async (limited) => {
    const response = await fetch(url, { ...options, signal: limited });
    return { response, text: await response.text() };
  });
}

function parsed(text: string): z.infer<typeof answerSchema> | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
