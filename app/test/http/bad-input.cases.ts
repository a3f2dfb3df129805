import type { InjectOptions } from 'light-my-request';
import { ADMIN } from './test-app';

export const UNKNOWN = '01234567-89ab-4cde-8f01-23456789abcd';
const UUID_RULE = 'allowed is a uuid such as 01234567-89ab-4cde-8f01-23456789abcd';
const NAME_RULE =
  'allowed is lower-case letters, digits, dots and dashes, at most 100, starting with a letter or digit';
export const PROBE_FIELDS =
  'allowed are count, queue, priority, runMs, failTimes, failBy, delaySeconds, outcome, leaves, onUnknown, uniqueKey, after, onFailure';

export const probes = (payload: unknown): InjectOptions => ({
  method: 'POST',
  url: '/api/probes',
  headers: { ...ADMIN, 'content-type': 'application/json' },
  payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
});
export const get = (url: string): InjectOptions => ({ method: 'GET', url, headers: ADMIN });
export const post = (url: string, headers: Record<string, string> = ADMIN): InjectOptions => ({
  method: 'POST',
  url,
  headers,
});

const probesUnder = (key: string | string[]): InjectOptions => {
  const request = probes({ count: 1 });
  return { ...request, headers: { ...request.headers, 'idempotency-key': key } };
};
const KEY_RULE =
  'The header Idempotency-Key is not allowed so; allowed is a string in quotes, or text without spaces, commas and quotes, of ' +
  '1 to 255 printable ASCII characters, such as a random uuid.';

const limits = (payload: object): InjectOptions => ({
  ...{ method: 'PUT', url: '/api/queues/mail/limits', headers: ADMIN, payload },
});

const contacts = (payload: object): InjectOptions => ({ ...post('/api/contacts', {}), payload });
const verify = (id: string, payload: object): InjectOptions => ({ ...post(`/api/contacts/${id}/verify`, {}), payload });

const screenings = (payload: object): InjectOptions => ({ ...post('/api/screenings'), payload });
const screening = { title: 'Metropolis', room: 'Hall', startsAt: '2099-07-14T18:30:00Z' };
const MOMENT_RULE = 'allowed is a moment such as 2026-11-27T19:30:00+01:00';
const poster = (id: string, headers: Record<string, string> = {}, payload = ''): InjectOptions => ({
  ...{ method: 'PUT', url: `/api/screenings/${id}/poster`, payload },
  headers: { ...ADMIN, 'content-type': 'multipart/form-data; boundary=b', ...headers },
});

const resolve = (payload: object): InjectOptions => ({ ...post(`/api/tasks/${UNKNOWN}/resolve`), payload });

/** Every route's bad inputs with the status and the exact sentence that answers them. */
export const BAD_INPUT: readonly (readonly [
  what: string,
  request: InjectOptions,
  status: number,
  detail: string | RegExp,
])[] = [
  [
    'a contact by fax',
    contacts({ channel: 'fax', address: '1' }),
    400,
    'body.channel is "fax"; allowed is email, sms.',
  ],
  [
    'a contact without an address',
    contacts({ channel: 'email' }),
    400,
    'body.address is missing; allowed is text of 1 to 254 characters.',
  ],
  [
    'a contact with an address that is none',
    contacts({ channel: 'email', address: 'library' }),
    400,
    'body.address is "library"; allowed is an e-mail address such as name@example.org.',
  ],
  [
    'a code with letters',
    verify(UNKNOWN, { code: 'abcdef' }),
    400,
    'body.code is not six digits; type the code of the message.',
  ],
  ['a code as number', verify(UNKNOWN, { code: 123456 }), 400, 'body.code is 123456; allowed is six digits.'],
  ['the code of no contact', verify(UNKNOWN, { code: '123456' }), 404, /^There is no such contact/],
  ['a contact that is no uuid', verify('x', { code: '123456' }), 400, `path.id is "x"; ${UUID_RULE}.`],
  [
    'a reminder without a contact',
    { ...post(`/api/screenings/${UNKNOWN}/reminders`, {}), payload: {} },
    400,
    `body.contactId is missing; ${UUID_RULE}.`,
  ],
  [
    'a reminder of no screening',
    { ...post(`/api/screenings/${UNKNOWN}/reminders`, {}), payload: { contactId: UNKNOWN } },
    404,
    'There is no such screening; it may have been deleted.',
  ],
  [
    'a screening in the past',
    screenings({ ...screening, startsAt: '2020-01-01T18:00:00Z' }),
    400,
    'body.startsAt is "2020-01-01T18:00:00.000Z"; allowed is a moment to come.',
  ],
  [
    'a screening at no moment',
    screenings({ ...screening, startsAt: 'soon' }),
    400,
    `body.startsAt is "soon"; ${MOMENT_RULE}.`,
  ],
  [
    'a screening without a zone',
    screenings({ ...screening, startsAt: '2099-07-14T18:30:00' }),
    400,
    `body.startsAt is "2099-07-14T18:30:00"; ${MOMENT_RULE}.`,
  ],
  [
    'a screening without a title',
    screenings({ ...screening, title: ' ' }),
    400,
    'body.title is ""; allowed is text of 1 to 200 characters.',
  ],
  [
    'a change without its version',
    { method: 'PUT', url: `/api/screenings/${UNKNOWN}`, headers: ADMIN, payload: screening },
    400,
    'body.version is missing; allowed is a whole number from 1 to 2147483647.',
  ],
  [
    'a change of no screening',
    { method: 'PUT', url: `/api/screenings/${UNKNOWN}`, headers: ADMIN, payload: { ...screening, version: 1 } },
    404,
    'There is no such screening; it may have been deleted.',
  ],
  [
    'a screening without a token',
    { ...screenings(screening), headers: {} },
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  [
    'a poster without a token',
    poster(UNKNOWN, { authorization: '' }),
    401,
    /^This route is for administrators|^The token/,
  ],
  ['a poster of no uuid', poster('x'), 400, `path.id is "x"; ${UUID_RULE}.`],
  ['a poster of no screening', poster(UNKNOWN), 404, 'There is no such screening; it may have been deleted.'],
  [
    'a poster that is no form',
    poster(UNKNOWN, { 'content-type': 'image/png' }),
    415,
    'The content type "image/png" is not accepted; send multipart/form-data.',
  ],
  [
    'a poster that says that it is too large',
    poster(UNKNOWN, { 'content-length': String(11 * 1024 * 1024) }),
    413,
    'The file is larger than 10485760 bytes (10 MiB), the most allowed.',
  ],
  ['a poster under a wrong Idempotency-Key', poster(UNKNOWN, { 'idempotency-key': 'a b' }), 400, KEY_RULE],
  ['page 0 of the news', get('/api/news?page=0'), 400, 'query.page is "0"; allowed is a whole number from 1 to 10000.'],
  [
    'a page of the news beyond all',
    get('/api/news?page=10001'),
    400,
    'query.page is "10001"; allowed is a whole number from 1 to 10000.',
  ],
  ['the news of one feed', get('/api/news?feed=town'), 400, 'query.feed is not a known field; allowed is page.'],
  ['malformed JSON', probes('{"count":'), 400, 'The body is not JSON: Unexpected end of JSON input.'],
  ['JSON with text behind it', probes('{"count":1} x'), 400, /^The body is not JSON: .* position 12/],
  ['an array for an object', probes([]), 400, 'body is []; allowed is an object.'],
  ['no body', probes(''), 400, 'body is missing; allowed is an object.'],
  ['null', probes('null'), 400, 'body is missing; allowed is an object.'],
  ['an unknown field', probes({ count: 1, times: 2 }), 400, `body.times is not a known field; ${PROBE_FIELDS}.`],
  [
    '__proto__',
    probes('{"count":1,"__proto__":{}}'),
    400,
    'The body has a field named __proto__, which is not allowed.',
  ],
  ['a missing count', probes({}), 400, 'body.count is missing; allowed is a whole number from 1 to 10000.'],
  ['count 0', probes({ count: 0 }), 400, 'body.count is 0; allowed is a whole number from 1 to 10000.'],
  ['count 10001', probes({ count: 10_001 }), 400, 'body.count is 10001; allowed is a whole number from 1 to 10000.'],
  ['count 1.5', probes({ count: 1.5 }), 400, 'body.count is 1.5; allowed is a whole number from 1 to 10000.'],
  ['count as text', probes({ count: '5' }), 400, 'body.count is "5"; allowed is a whole number from 1 to 10000.'],
  [
    'an endless count',
    probes('{"count":1e999}'),
    400,
    'body.count is Infinity; allowed is a whole number from 1 to 10000.',
  ],
  [
    'an unknown priority',
    probes({ count: 1, priority: 'urgent' }),
    400,
    'body.priority is "urgent"; allowed is high, normal, low, bulk.',
  ],
  [
    'a priority as number',
    probes({ count: 1, priority: 3 }),
    400,
    'body.priority is 3; allowed is high, normal, low, bulk.',
  ],
  ['a queue with a space', probes({ count: 1, queue: 'a b' }), 400, `body.queue is "a b"; ${NAME_RULE}.`],
  [
    'a negative time',
    probes({ count: 1, runMs: -1 }),
    400,
    'body.runMs is -1; allowed is a whole number from 0 to 60000.',
  ],
  [
    'a time of over a minute',
    probes({ count: 1, runMs: 60_001 }),
    400,
    'body.runMs is 60001; allowed is a whole number from 0 to 60000.',
  ],
  [
    'failTimes 101',
    probes({ count: 1, failTimes: 101 }),
    400,
    'body.failTimes is 101; allowed is a whole number from 0 to 100.',
  ],
  [
    'a task to wait for that does not exist',
    probes({ count: 1, after: [UNKNOWN] }),
    400,
    `body.after names ${UNKNOWN}, not in the ledger: never accepted, or pruned since.`,
  ],
  [
    'nothing to wait for',
    probes({ count: 1, after: [] }),
    400,
    'body.after is []; allowed is a list of 1 to 100 uuids.',
  ],
  [
    'something to wait for that is no uuid',
    probes({ count: 1, after: ['7'] }),
    400,
    `body.after.0 is "7"; ${UUID_RULE}.`,
  ],
  [
    'the same task to wait for twice',
    probes({ count: 1, after: [UNKNOWN, UNKNOWN] }),
    400,
    `body.after names task ${UNKNOWN} twice.`,
  ],
  [
    'an unknown policy',
    probes({ count: 1, after: [UNKNOWN], onFailure: 'stop' }),
    400,
    'body.onFailure is "stop"; allowed is cancel, run.',
  ],
  [
    'a delay of over a day',
    probes({ count: 1, delaySeconds: 86_401 }),
    400,
    'body.delaySeconds is 86401; allowed is a whole number from 0 to 86400.',
  ],
  [
    'an unknown outcome of a probe',
    probes({ count: 1, outcome: 'lost' }),
    400,
    'body.outcome is "lost"; allowed is done, discard, snooze, non-retryable, external.',
  ],
  [
    'an unknown way to go on after a call',
    probes({ count: 1, outcome: 'external', onUnknown: 'forget' }),
    400,
    'body.onUnknown is "forget"; allowed is repeat, park.',
  ],
  [
    'a way to go on without a call',
    probes({ count: 1, onUnknown: 'park' }),
    400,
    'body.onUnknown is given for the outcome done; only external has it.',
  ],
  [
    'a way to fail that never comes',
    probes({ count: 1, failBy: 'crash' }),
    400,
    'body.failBy is crash with failTimes 0; say how many attempts fail, 1 or more.',
  ],
  [
    'a unique key for several',
    probes({ count: 2, uniqueKey: { key: 'k' } }),
    400,
    'body.count is 2; under a uniqueKey allowed is 1.',
  ],
  ['a unique key as text', probes({ count: 1, uniqueKey: 'k' }), 400, 'body.uniqueKey is "k"; allowed is an object.'],
  [
    'an empty unique key until nobody knows',
    probes({ count: 1, uniqueKey: { key: '', until: 'dawn', replace: 'yes' } }),
    400,
    'body.uniqueKey.key is ""; allowed is text of 1 to 255 characters. body.uniqueKey.until is "dawn"; allowed is start, ' +
      'finish. body.uniqueKey.replace is "yes"; allowed is true or false.',
  ],
  ['an empty Idempotency-Key', probesUnder(''), 400, KEY_RULE],
  ['an Idempotency-Key of nothing in quotes', probesUnder('""'), 400, KEY_RULE],
  ['an Idempotency-Key of 256 characters', probesUnder('x'.repeat(256)), 400, KEY_RULE],
  ['an Idempotency-Key with a space', probesUnder('a b'), 400, KEY_RULE],
  ['an Idempotency-Key with a comma', probesUnder('a,b'), 400, KEY_RULE],
  ['an Idempotency-Key with an open quote', probesUnder('"a'), 400, KEY_RULE],
  ['an Idempotency-Key that is not ASCII', probesUnder('schlüssel'), 400, KEY_RULE],
  ['an Idempotency-Key that is sent twice', probesUnder(['a', 'a']), 400, KEY_RULE],
  [
    'several mistakes at once',
    probes({ count: 0, runMs: true, colour: 'red' }),
    400,
    'body.count is 0; allowed is a whole number from 1 to 10000. body.runMs is true; allowed is a whole number from 0 to ' +
      `60000. body.colour is not a known field; ${PROBE_FIELDS}.`,
  ],
  [
    'a body of over 64 KiB',
    probes(' '.repeat(65_537)),
    413,
    'The body is larger than 65536 bytes, the most allowed here.',
  ],
  [
    'another content type',
    { ...probes('count=1'), headers: { ...ADMIN, 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    'The content type "application/x-www-form-urlencoded" is not accepted; send application/json.',
  ],
  ['a task id that is no uuid', get('/api/tasks/7'), 400, `path.id is "7"; ${UUID_RULE}.`],
  ['a task that does not exist', get(`/api/tasks/${UNKNOWN}`), 404, `There is no task ${UNKNOWN}.`],
  [
    'a task id without end',
    get(`/api/tasks/${'7'.repeat(201)}`),
    414,
    'A part of the path is longer than 200 characters, the most allowed.',
  ],
  ['a path that is not UTF-8', get('/api/tasks/%ff'), 400, 'The path is not percent-encoded UTF-8.'],
  ['events of no task', get(`/api/tasks/${UNKNOWN}/events`), 404, `There is no task ${UNKNOWN}.`],
  ['events of no uuid', get('/api/tasks/x/events'), 400, `path.id is "x"; ${UUID_RULE}.`],
  [
    'an import that does not exist',
    get(`/api/imports/${UNKNOWN}`),
    404,
    `There is no import with the task ${UNKNOWN}.`,
  ],
  ['an import id that is no uuid', get('/api/imports/x'), 400, `path.taskId is "x"; ${UUID_RULE}.`],
  [
    'page 0 of bad rows',
    get(`/api/imports/${UNKNOWN}?page=0`),
    400,
    'query.page is "0"; allowed is a whole number from 1 to 100000.',
  ],
  ['page 0', get('/api/films?page=0'), 400, 'query.page is "0"; allowed is a whole number from 1 to 100000.'],
  ['page -1', get('/api/films?page=-1'), 400, 'query.page is "-1"; allowed is a whole number from 1 to 100000.'],
  ['page two', get('/api/films?page=two'), 400, 'query.page is "two"; allowed is a whole number from 1 to 100000.'],
  ['an empty page', get('/api/films?page='), 400, 'query.page is ""; allowed is a whole number from 1 to 100000.'],
  [
    'a page beyond all',
    get('/api/films?page=100001'),
    400,
    'query.page is "100001"; allowed is a whole number from 1 to 100000.',
  ],
  [
    'two pages',
    get('/api/films?page=1&page=2'),
    400,
    'query.page is ["1","2"]; allowed is a whole number from 1 to 100000.',
  ],
  [
    'an unknown parameter',
    get('/api/films?title=x'),
    400,
    'query.title is not a known field; allowed are query, page.',
  ],
  [
    'a query of 201 characters',
    get(`/api/films?query=${'x'.repeat(201)}`),
    400,
    /^query.query is "x{59}…; allowed is text of 0 to 200 characters.$/,
  ],
  ['U+0000 in a query', get('/api/films?query=%00'), 400, /^query.query holds U\+0000/],
  ['limit 0', get('/api/tasks?limit=0'), 400, 'query.limit is "0"; allowed is a whole number from 1 to 200.'],
  ['limit 201', get('/api/tasks?limit=201'), 400, 'query.limit is "201"; allowed is a whole number from 1 to 200.'],
  [
    'an unknown state',
    get('/api/tasks?state=lost'),
    400,
    'query.state is "lost"; allowed is waiting, queued, running, done, dead, cancelled, parked.',
  ],
  ['an unknown order', get('/api/tasks?order=random'), 400, 'query.order is "random"; allowed is newest, next.'],
  [
    'what runs next of the dead',
    get('/api/tasks?order=next&state=dead'),
    400,
    'query.order is next, which only queued tasks have; the state asked for is dead.',
  ],
  ['a cursor of another order', get('/api/tasks?order=next&after=7'), 400, 'query.after is not the cursor of a page.'],
  ['the log of no task', get(`/api/tasks/${UNKNOWN}/log`), 404, `There is no task ${UNKNOWN}.`],
  ['the log of no uuid', get('/api/tasks/x/log'), 400, `path.id is "x"; ${UUID_RULE}.`],
  [
    '1001 lines of a log',
    get(`/api/tasks/${UNKNOWN}/log?limit=1001`),
    400,
    'query.limit is "1001"; allowed is a whole number from 1 to 1000.',
  ],
  ['a log after no line', get(`/api/tasks/${UNKNOWN}/log?after=x`), 400, 'query.after is not the cursor of a page.'],
  [
    'a log without a token',
    { method: 'GET', url: `/api/tasks/${UNKNOWN}/log` },
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  ['a cursor that is none', get('/api/tasks?after=zz'), 400, 'query.after is not the cursor of a page.'],
  ['an upper-case name', get('/api/tasks?name=Films'), 400, `query.name is "Films"; ${NAME_RULE}.`],
  ['a retry of no task', post(`/api/tasks/${UNKNOWN}/retry`), 404, `There is no task ${UNKNOWN}.`],
  ['a retry of no uuid', post('/api/tasks/x/retry'), 400, `path.id is "x"; ${UUID_RULE}.`],
  [
    'a retry with a body',
    { ...post(`/api/tasks/${UNKNOWN}/retry`), payload: { attempts: 3 } },
    400,
    'body.attempts is not a known field; no field is allowed here.',
  ],
  ['a resolution of no task', resolve({ outcome: 'sent' }), 404, `There is no task ${UNKNOWN}.`],
  ['a resolution without an outcome', resolve({}), 400, 'body.outcome is missing; allowed is sent, not-sent.'],
  ['an unknown outcome', resolve({ outcome: 'perhaps' }), 400, 'body.outcome is "perhaps"; allowed is sent, not-sent.'],
  [
    'a resolution of an empty key',
    resolve({ outcome: 'sent', key: '' }),
    400,
    'body.key is ""; allowed is text of 1 to 100 characters.',
  ],
  [
    'a receipt of what was not sent',
    resolve({ outcome: 'not-sent', receipt: 1 }),
    400,
    'body.receipt is given for what was not sent.',
  ],
  [
    'a receipt with U+0000',
    resolve({ outcome: 'sent', receipt: 'a\0b' }),
    400,
    'body.receipt holds U+0000, which PostgreSQL does not store.',
  ],
  [
    'a resolution without a token',
    { ...resolve({ outcome: 'sent' }), headers: {} },
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  ['a cancellation of no task', post(`/api/tasks/${UNKNOWN}/cancel`), 404, `There is no task ${UNKNOWN}.`],
  [
    'a bulk for everything',
    { ...post('/api/tasks/cancel'), payload: {} },
    400,
    'body.filter names no tasks; give queue, name or acceptedBefore.',
  ],
  [
    'a bulk of tasks that it is not for',
    { ...post('/api/tasks/discard'), payload: { queue: 'mail', state: 'done' } },
    400,
    'body.state is "done"; allowed is dead, parked.',
  ],
  [
    'a bulk before no date',
    { ...post('/api/tasks/retry'), payload: { acceptedBefore: 'yesterday' } },
    400,
    'body.acceptedBefore is "yesterday"; allowed is a moment such as 2026-01-31T12:00:00Z.',
  ],
  [
    'a bulk after no cursor',
    { ...post('/api/tasks/cancel'), payload: { queue: 'mail', after: '7' } },
    400,
    'body.after is not the cursor of a bulk.',
  ],
  [
    'a bulk after the cursor of another list',
    { ...post('/api/tasks/retry'), payload: { queue: 'mail', after: Buffer.from('[7]').toString('base64url') } },
    400,
    'body.after is not the cursor of a bulk.',
  ],
  [
    'a bulk after nothing',
    { ...post('/api/tasks/discard'), payload: { queue: 'mail', after: '' } },
    400,
    'body.after is ""; allowed is text of 1 to 1000 characters.',
  ],
  [
    'a bulk retry of what is done',
    { ...post('/api/tasks/retry'), payload: { queue: 'mail', state: 'done' } },
    400,
    'body.state is "done"; allowed is dead, cancelled.',
  ],
  [
    'a bulk without a token',
    { ...post('/api/tasks/discard', {}), payload: { queue: 'mail' } },
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  ['a pause of no queue', post('/api/queues/No%20such/pause'), 400, `path.name is "No such"; ${NAME_RULE}.`],
  ['a resumption of no queue', post('/api/queues/No%20such/resume'), 400, `path.name is "No such"; ${NAME_RULE}.`],
  ['no limits', limits({}), 400, 'body names no limit; give maxRunning, rateLimit or both.'],
  ['maxRunning 0', limits({ maxRunning: 0 }), 400, 'body.maxRunning is 0; allowed is a whole number from 1 to 100000.'],
  [
    'a rate of too many starts',
    limits({ rateLimit: { count: 1_001, perSeconds: 60 } }),
    400,
    'body.rateLimit.count is 1001; allowed is a whole number from 1 to 1000.',
  ],
  [
    'a rate without its seconds',
    limits({ rateLimit: { count: 10 } }),
    400,
    'body.rateLimit.perSeconds is missing; allowed is a number from 0.1 to 86400.',
  ],
  [
    'an unknown limit',
    limits({ maxRunning: 3, most: 3 }),
    400,
    'body.most is not a known field; allowed are maxRunning, rateLimit.',
  ],
  [
    'limits without a token',
    { ...limits({ maxRunning: 1 }), headers: {} },
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  [
    'a pause without a token',
    post('/api/queues/mail/pause', {}),
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  ['a path that does not exist', get('/api/film'), 404, 'There is nothing at /api/film; /docs lists what there is.'],
  ['a wrong method', post('/api/films'), 405, 'POST is not possible at /api/films; allowed is GET, HEAD.'],
  [
    'a wrong method on a task',
    post(`/api/tasks/${UNKNOWN}`),
    405,
    `POST is not possible at /api/tasks/${UNKNOWN}; allowed is GET, HEAD.`,
  ],
  [
    'probes without a token',
    post('/api/probes', {}),
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  [
    'the list without a token',
    { method: 'GET', url: '/api/tasks' },
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  [
    'a retry without a token',
    post(`/api/tasks/${UNKNOWN}/retry`, {}),
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  [
    'another scheme',
    post('/api/probes', { authorization: 'Basic YTpi' }),
    401,
    'This route is for administrators; send Authorization: Bearer <token>.',
  ],
  [
    'a wrong token',
    post('/api/probes', { authorization: 'Bearer nonsense' }),
    401,
    'The token is wrong; send the one that this stage was given.',
  ],
];
