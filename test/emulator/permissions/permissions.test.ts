import { synthesize } from '../../stages/synthesize';
import { STAGE } from '../cdk';
import configuration from '../holdfast.config';
import { actionsOf, allowedActions, allowingStatements } from './allowed-actions';
import type { Template } from './allowed-actions';
import { checkCalls } from './check-calls';
import { CALLED, PERMISSIONS } from './permissions';

const listed = Object.fromEntries(
  Object.entries(PERMISSIONS).map(([role, actions]) => [role, Object.keys(actions).sort()]),
);
const calledOnes = Object.entries(PERMISSIONS).flatMap(([role, actions]) =>
  Object.entries(actions)
    .filter(([, reason]) => reason === CALLED)
    .map(([action]) => ({ role: `${role}0123ABCD`, action, resource: '*', allowed: true })),
);

let templates: readonly Template[];
beforeAll(() => {
  const { json } = synthesize(STAGE, configuration);
  templates = [json.stateful, json.stateless];
});

test('the roles of the emulated stage may do what is listed, no more and no less', () => {
  expect(allowedActions(...templates)).toEqual(listed);
});

test('an action that is taken from a role is missed', () => {
  const statements = allowingStatements(...templates);
  expect(statements.length).toBeGreaterThan(30);
  for (const [role, statement] of statements) {
    for (const action of actionsOf(statement)) {
      // A copy of the templates without it.
      const without = JSON.parse(JSON.stringify(templates)) as Template[];
      for (const [other, changed] of allowingStatements(...without)) {
        if (other !== role) continue;
        Object.assign(changed, { Action: actionsOf(changed).filter((each) => each !== action) });
      }
      expect(allowedActions(...without)).not.toEqual(listed);
    }
  }
});

test('calls that were all allowed and all made are well', () => {
  const log = jest.spyOn(console, 'log').mockReturnValue();
  expect(() => checkCalls(calledOnes)).not.toThrow();
  log.mockRestore();
});

test.each(calledOnes)('$role may not lose $action', (call) => {
  const others = calledOnes.filter((each) => each !== call);
  expect(() => checkCalls([...others, { ...call, allowed: false }])).toThrow(`was refused ${call.action} on *`);
  expect(() => checkCalls(others)).toThrow(`never did ${call.action}`);
});

test('a call that nobody has listed is named', () => {
  const call = { role: 'WebContainerTaskTaskRole0123ABCD', action: 's3:DeleteBucket', resource: '*', allowed: true };
  expect(() => checkCalls([...calledOnes, call])).toThrow('WebContainerTaskTaskRole did s3:DeleteBucket');
});
