import { STAGES, scrubHashes, synthesize } from './synthesize';

describe.each(STAGES)('the templates of %s', (stage) => {
  const { json } = synthesize(stage);

  test('the kept stack is as it was', () => {
    expect(scrubHashes(json.stateful)).toMatchSnapshot();
  });

  test('the replaceable stack is as it was, apart from asset hashes', () => {
    expect(scrubHashes(json.stateless)).toMatchSnapshot();
  });
});
