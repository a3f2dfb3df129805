import { BlockList, isIP } from 'node:net';

/** Loopback, link-local and private networks (RFC 6890, RFC 4193): where a load balancer or nginx stands. */
const NEAR = new BlockList();
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const) {
  NEAR.addSubnet(network, prefix, 'ipv4');
}
NEAR.addAddress('::1', 'ipv6');
NEAR.addSubnet('fc00::', 7, 'ipv6');
NEAR.addSubnet('fe80::', 10, 'ipv6');

/**
 * Whether the word of a proxy about where a request came from counts: only that of the one that has connected, and only
 * from a network of our own. It writes the address of whoever connected to it last into X-Forwarded-For, so what a client
 * wrote into that header before, also a client in a private network, is never read.
 * @param hop 0 for the connection itself, 1 for the last address in X-Forwarded-For, and so on
 */
export function isNearestProxy(address: string, hop: number): boolean {
  const version = isIP(address);
  return hop === 0 && version !== 0 && NEAR.check(address, version === 6 ? 'ipv6' : 'ipv4');
}
