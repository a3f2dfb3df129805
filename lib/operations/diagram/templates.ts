export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
}

/** A resource with its logical id. */
export interface Found {
  readonly id: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export function all({ Resources }: Template, type: string): readonly Found[] {
  return Object.entries(Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, { Properties = {} }]) => ({ id, properties: Properties }));
}

/** @throws Error when the template has not exactly one of these. */
export function only(template: Template, type: string, which: (found: Found) => boolean = () => true): Found {
  const found = all(template, type).filter(which);
  const [first] = found;
  if (first === undefined || found.length > 1) {
    throw new Error(`the picture needs one ${type} and the template has ${found.length}; mend scripts/diagram`);
  }
  return first;
}

/** @throws Error when the property is missing or no text. */
export function text({ id, properties }: Found, name: string): string {
  const value = properties[name];
  if (typeof value === 'string') return value;
  throw new Error(`${id}.${name} is ${JSON.stringify(value)}; the picture needs a text`);
}

/** @throws Error when the property is missing or no number; CloudFormation writes some numbers as texts. */
export function number({ id, properties }: Found, name: string): number {
  const value = Number(properties[name] ?? NaN);
  if (Number.isFinite(value)) return value;
  throw new Error(`${id}.${name} is ${JSON.stringify(properties[name])}; the picture needs a number`);
}

/** The logical id that a property refers to, by Ref or Fn::GetAtt. */
export function reference({ id, properties }: Found, name: string): string {
  const match = /"(?:Ref|Fn::GetAtt)":(?:\[)?"([^"]+)"/.exec(JSON.stringify(properties[name] ?? null));
  if (match?.[1] !== undefined) return match[1];
  throw new Error(`${id}.${name} is ${JSON.stringify(properties[name])}; the picture needs a reference`);
}

/** Whether anything in the value refers to the logical id. */
export function refersTo(value: unknown, logicalId: string): boolean {
  return JSON.stringify(value ?? null).includes(`"${logicalId}"`);
}
