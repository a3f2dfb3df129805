import { HELP, readOptions } from '../../local/options';

describe('readOptions', () => {
  it('knows ports, number of workers and whether to keep the data', () => {
    expect(readOptions([])).toEqual({ help: false, port: 8080, metricsPort: 9464, workers: 2, fresh: false });
    expect(readOptions(['--port', '9000', '--metrics-port=9001', '--workers', '4', '--fresh'])).toEqual({
      help: false,
      port: 9000,
      metricsPort: 9001,
      workers: 4,
      fresh: true,
    });
    expect(readOptions(['-h']).help).toBe(true);
  });

  it.each([
    [['--prot', '9000'], '--prot is not known here; allowed are --port, --metrics-port, --workers, --fresh, --help.'],
    [['start'], '"start" is not an option; allowed are'],
    [['--port', 'http'], '--port was given "http"; allowed is a whole number from 1 to 65535.'],
    [['--port'], '--port was given nothing; allowed is a whole number from 1 to 65535.'],
    [['--port', '70000'], '--port was given "70000"'],
    [['--workers', '0'], '--workers was given "0"; allowed is a whole number from 1 to 16.'],
    [['--fresh=no'], '--fresh takes no value and was given "no"; write --fresh alone.'],
    [['--port', '9464'], '--port and --metrics-port are both 9464; give them different numbers.'],
  ])('refuses %j in one sentence', (words, sentence) => {
    expect(() => readOptions(words)).toThrow(sentence);
  });

  it('explains itself in 80 columns', () => {
    expect(HELP.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});
