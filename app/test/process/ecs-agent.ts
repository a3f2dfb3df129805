import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the agent answers to a call that it understands. */
export type AgentMood = 'willing' | 'unwilling' | 'failing' | 'throttled' | 'slow';

/**
 * An Amazon ECS agent as its documentation has it: refuses unknown fields, answers refusals of Amazon ECS with 200 and
 * `failure`, errors with 4xx and 5xx and `error`.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
 */
export interface FakeAgent {
  readonly agentUri: string;
  readonly metadataUri: string;
  /** What it answers from now on. @default 'willing' */
  mood: AgentMood;
  /** Of the task's metadata; undefined leaves it out. @default 'workers' */
  serviceName: string | undefined;
  /** Whether the task is protected. */
  readonly isProtected: boolean;
  /** Bodies of all calls for protection, also of refused ones. */
  readonly calls: readonly unknown[];
  /** How many of them asked for protection, and were granted. */
  readonly granted: number;
  close(): Promise<void>;
}

const ARN = 'arn:aws:ecs:us-east-1:111122223333:task/holdfast/0123456789abcdef0123456789abcdef';
const FIELDS = ['ProtectionEnabled', 'ExpiresInMinutes'];

export async function startFakeAgent(): Promise<FakeAgent> {
  const calls: unknown[] = [];
  const held = new Set<ServerResponse>();
  const agent = {
    mood: 'willing' as AgentMood,
    serviceName: 'workers' as string | undefined,
    isProtected: false,
    granted: 0,
  };

  const protect = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    let text = '';
    for await (const part of request) text += String(part);
    const body = JSON.parse(text) as Record<string, unknown>;
    calls.push(body);
    const mistake = mistakeOf(body, request);
    const error = (Code: string, Message: string): object => ({ requestID: '1', error: { Arn: ARN, Code, Message } });
    if (mistake !== undefined) answer(400, error('InvalidParameterException', mistake));
    else if (agent.mood === 'unwilling')
      answer(200, { requestID: '1', failure: { Arn: ARN, Reason: 'TASK_NOT_VALID', Detail: null } });
    else if (agent.mood === 'failing') answer(500, error('ServerException', 'something broke'));
    else if (agent.mood === 'throttled') answer(400, error('ThrottlingException', 'Rate exceeded'));
    else if (agent.mood === 'slow') held.add(response);
    else {
      agent.isProtected = body['ProtectionEnabled'] === true;
      if (agent.isProtected) agent.granted += 1;
      const expiry = agent.isProtected ? { ExpirationDate: new Date(Date.now() + 60_000).toISOString() } : {};
      answer(200, { requestID: '1', protection: { ...expiry, ProtectionEnabled: agent.isProtected, TaskArn: ARN } });
    }
  };

  const server = createServer((request, response) => {
    if (request.url === '/api/task-protection/v1/state' && request.method === 'PUT') void protect(request, response);
    else if (request.url === '/v4/task' && request.method === 'GET') {
      const service = agent.serviceName === undefined ? {} : { ServiceName: agent.serviceName };
      const metadata = {
        Cluster: 'holdfast',
        TaskARN: ARN,
        Family: 'worker',
        Revision: '7',
        DesiredStatus: 'RUNNING',
        ...service,
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata));
    } else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(agent, {
    agentUri: `${base}/api`,
    metadataUri: `${base}/v4`,
    calls,
    close: async () => {
      for (const response of held) response.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

/** As the agent decodes it: with unknown fields disallowed, and the minutes within their range. */
function mistakeOf(body: Record<string, unknown>, { headers }: IncomingMessage): string | undefined {
  const { ProtectionEnabled: enabled, ExpiresInMinutes: minutes } = body;
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) return `json: unknown field "${unknown}"`;
  if (headers['content-type'] !== 'application/json') return 'content-type is not application/json';
  if (typeof enabled !== 'boolean') return 'does not contain ProtectionEnabled field';
  if (minutes !== undefined && !(Number.isInteger(minutes) && Number(minutes) >= 1 && Number(minutes) <= 2880))
    return 'expiresInMinutes must be between 1 and 2880';
  return undefined;
}
