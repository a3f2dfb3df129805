import type { Call } from '../emulated-aws';
import { roleName } from './allowed-actions';
import { CALLED, OTHERS, PERMISSIONS } from './permissions';

/** @throws an error that names each call that was refused or is not listed, and each listed one that was not made. */
export function checkCalls(calls: readonly Call[]): void {
  const mistakes = [...wrongCalls(calls), ...missingCalls(calls)];
  if (mistakes.length > 0) throw new Error(`Least privilege:\n${mistakes.join('\n')}`);
  const never = Object.values(PERMISSIONS)
    .flatMap(Object.values)
    .filter((reason) => reason !== CALLED).length;
  console.log(
    `       ${calls.length} kinds of calls, none refused; ${never} permissions were not needed, each with a reason`,
  );
}

function wrongCalls(calls: readonly Call[]): readonly string[] {
  return calls.flatMap(({ role, action, resource, allowed }) => {
    const name = roleName(role);
    if (!allowed) return [`${name} was refused ${action} on ${resource}`];
    return PERMISSIONS[name]?.[action] !== undefined || name in OTHERS
      ? []
      : [`${name} did ${action}, which is not listed`];
  });
}

function missingCalls(calls: readonly Call[]): readonly string[] {
  return Object.entries(PERMISSIONS).flatMap(([name, actions]) =>
    Object.entries(actions)
      .filter(([action, reason]) => reason === CALLED && !calls.some((call) => isOf(call, name, action)))
      .map(([action]) => `${name} never did ${action}, which it may: remove the permission, or list the reason`),
  );
}

const isOf = (call: Call, name: string, action: string) => roleName(call.role) === name && call.action === action;
