import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { testFolder } from '../../servers/private-servers';

describe('loadStatements', () => {
  const folder = testFolder('statements');
  writeFileSync(
    join(folder, 'films.sql'),
    '-- About films.\n\n-- name: one\n-- $1 id.\nselect 1\n\n-- name: all\nselect *\nfrom films\n',
  );

  it('reads each statement with its own comments and nothing of the next', () => {
    expect(loadStatements(folder, 'films.sql', ['one', 'all'])).toEqual({
      one: '-- $1 id.\nselect 1',
      all: 'select *\nfrom films',
    });
  });

  it('puts what several statements share where they include it', () => {
    writeFileSync(join(folder, 'tail.part.sql'), 'from films\nlimit 1\n');
    writeFileSync(
      join(folder, 'shared.sql'),
      '-- name: id\nselect id\n-- include: tail.part.sql\n\n-- name: title\nselect title\n-- include: tail.part.sql\n',
    );
    expect(loadStatements(folder, 'shared.sql', ['id', 'title'])).toEqual({
      id: 'select id\nfrom films\nlimit 1',
      title: 'select title\nfrom films\nlimit 1',
    });
  });

  it('refuses a file that lacks a statement or holds one that nobody uses, naming all of them', () => {
    expect(() => loadStatements(folder, 'films.sql', ['one', 'two', 'three'])).toThrow(
      new Error('films.sql: missing statements [two, three], unused statements [all]'),
    );
    expect(() => loadStatements(folder, 'films.sql', ['one'])).toThrow(
      new Error('films.sql: missing statements [], unused statements [all]'),
    );
  });
});
