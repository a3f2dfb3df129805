import reference from '../../holdfast.config';
import type { Configuration } from '../../lib/config';
import { synthesize } from './synthesize';

/** What the synth says of production's cost, and the output that its stack keeps of it. */
function told(configuration: Configuration) {
  const { stacks, json } = synthesize('production', configuration);
  return {
    said: stacks.costs.replaceAll(/\d+\.\d\d/g, 'X'),
    output: json.stateless.Outputs?.EstimatedCost,
  };
}

describe('the cost that a synth tells', () => {
  test('is without traffic', () => {
    expect(told(reference)).toEqual({
      said: 'holdfast production costs about X USD per month in us-east-1, without traffic; X of it rest on prices that are not verified.',
      output: {
        Description: 'Estimated cost in USD per month, without traffic',
        Value: expect.stringMatching(/^\d+\.\d\d$/) as string,
      },
    });
  });

  test('says what is missing from it', () => {
    const configuration: Configuration = {
      ...reference,
      fleet: { instanceType: 'r6g.large' },
      acknowledge: {
        ...reference.acknowledge,
        'holdfast:price-unknown': 'What is told of it is tested here.',
      },
      stages: { production: { region: 'us-east-1' } },
    };
    const without = 'without traffic and EC2 r6g.large x 2';
    expect(told(configuration)).toEqual({
      said: expect.stringContaining(`X USD per month in us-east-1, ${without};`) as string,
      output: {
        Description: `Estimated cost in USD per month, ${without}`,
        Value: expect.stringMatching(/^\d+\.\d\d$/) as string,
      },
    });
  });
});
