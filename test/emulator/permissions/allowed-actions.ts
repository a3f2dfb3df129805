/** A template as far as roles and policies go. */
export interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties?: unknown }>>;
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

interface Policy {
  readonly PolicyDocument: { readonly Statement: readonly Statement[] };
}

/** Statements that allow something, by the role that they belong to, of all policies that are written in the templates. */
export function allowingStatements(...templates: readonly Template[]): readonly (readonly [string, Statement])[] {
  return templates.flatMap(({ Resources }) =>
    Object.entries(Resources).flatMap(([id, { Type, Properties }]) => policiesOf(id, Type, Properties)),
  );
}

function policiesOf(id: string, type: string, properties: unknown): (readonly [string, Statement])[] {
  if (type === 'AWS::IAM::Role') {
    const { Policies = [] } = (properties ?? {}) as { readonly Policies?: readonly Policy[] };
    return Policies.flatMap((policy) => allowing(policy).map((statement) => [id, statement] as const));
  }
  if (type !== 'AWS::IAM::Policy') return [];
  const policy = properties as Policy & { readonly Roles: readonly { readonly Ref: string }[] };
  return policy.Roles.flatMap(({ Ref }) => allowing(policy).map((statement) => [Ref, statement] as const));
}

function allowing({ PolicyDocument }: Policy): readonly Statement[] {
  return PolicyDocument.Statement.filter(({ Effect }) => Effect === 'Allow');
}

export const actionsOf = ({ Action }: Statement): readonly string[] => (typeof Action === 'string' ? [Action] : Action);

/** What each role may do. */
export function allowedActions(...templates: readonly Template[]): Readonly<Record<string, readonly string[]>> {
  const allowed: Record<string, string[]> = {};
  for (const [role, statement] of allowingStatements(...templates)) {
    (allowed[roleName(role)] ??= []).push(...actionsOf(statement));
  }
  return Object.fromEntries(Object.entries(allowed).map(([role, actions]) => [role, [...new Set(actions)].sort()]));
}

/** A role's logical id without the hash that ends it. */
export function roleName(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}
