import { defineConfiguration } from '../../../lib/config';

/** A stage whose records the tests of the operations command make in an emulated AWS. */
export default defineConfiguration({
  name: 'shop',
  image: { reference: 'example.com/shop:1' },
  web: { command: ['node', 'web.js'] },
  workers: { default: { command: ['node', 'worker.js'], queues: [{ name: 'default' }, { name: 'probes' }] } },
  tls: { httpOnly: { reason: 'Nobody reaches it.' } },
  acknowledge: { 'holdfast:alarms-reach-nobody': 'Nobody operates it.' },
  stages: {
    test: { like: 'dev', region: 'us-east-1', probes: true },
    closed: { like: 'production', region: 'us-east-1' },
  },
});
