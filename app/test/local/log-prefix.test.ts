import { stripVTControlCharacters } from 'node:util';
import { renderLine } from '../../local/log-prefix';

const time = new Date(2026, 10, 3, 12, 0, 1);
const event = (more: object) =>
  JSON.stringify({ level: 'info', time: time.toISOString(), pid: 1, process: 'web', ...more });

describe('renderLine', () => {
  it('shows time, level, message and a few fields of a JSON line', () => {
    const line = event({
      msg: 'request done',
      req: { method: 'GET', url: '/api/films' },
      durationMs: 3,
      nothing: null,
    });
    expect(renderLine('web', line, { color: false })).toBe(
      'web       12:00:01 info  request done req.method=GET req.url=/api/films durationMs=3',
    );
  });

  it('shows an error in its own words, with the stack where it is one', () => {
    const err = { type: 'Error', message: 'no film', stack: 'Error: no film\n    at import' };
    expect(renderLine('web', event({ level: 'warn', msg: 'retried', err }), { color: false })).toBe(
      'web       12:00:01 warn  retried Error: no film',
    );
    expect(renderLine('web', event({ level: 'error', msg: 'failed', err }), { color: false })).toBe(
      'web       12:00:01 error failed Error: no film\nweb           at import',
    );
  });

  it('shows the things in a list by their name', () => {
    const queues = [{ name: 'default', weight: 1 }, { name: 'imports' }];
    expect(renderLine('web', event({ msg: 'started', queues, ids: [1, 2] }), { color: false })).toMatch(
      /started queues=default,imports ids=1,2$/,
    );
  });

  it('shortens long values and leaves out most of many fields', () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`field${index}`, 'x'.repeat(100)]));
    const line = renderLine('web', event({ msg: 'many', ...many }), { color: false });
    expect(line.match(/field/g)).toHaveLength(6);
    expect(line).toContain(`field0=${'x'.repeat(59)}… field1`);
  });

  it('shows other lines as they are', () => {
    expect(renderLine('worker-1', 'Segmentation fault', { color: false })).toBe('worker-1  Segmentation fault');
    expect(renderLine('worker-1', '{half', { color: false })).toBe('worker-1  {half');
  });

  it('colours nothing but the same text', () => {
    const line = event({ level: 'warn', msg: 'slow', durationMs: 900 });
    const colored = renderLine('web', line, { color: true });
    expect(colored).toContain('\u001b[33mwarn');
    expect(stripVTControlCharacters(colored)).toBe(renderLine('web', line, { color: false }));
  });
});
