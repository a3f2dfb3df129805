import { lookup as resolve } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { FeedError } from './feed-error';

/**
 * Link-local addresses, where clouds hand their machines credentials: never asked, whoever names them. The last two are
 * Amazon's in IPv6 (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html) and
 * link-local ones behind NAT64.
 */
const LINK_LOCAL = blockList(['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32', '64:ff9b::a9fe:0/112']);

/** Of the inside of networks (RFC 6890): an operator may name them, a redirect may not. */
const INSIDE = blockList([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  ...['::/128', '::1/128', 'fc00::/7'],
]);

export interface Reach {
  /** Whether the operator has named this host, so that it may be one of the inside. */
  readonly trusted: boolean;
}

/** @throws FeedError when the host is an address that may not be asked; names are checked when they are looked up. */
export function checkHost(url: URL, { trusted }: Reach): void {
  const host = url.hostname.replace(/^\[(.+)\]$/, '$1');
  if (isIP(host) !== 0) check(host, trusted);
}

/** Looks a name up and refuses it when one of its addresses may not be asked: what is checked is what is connected to. */
export function outwardLookup({ trusted }: Reach): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      try {
        if (error !== null) throw error;
        for (const { address } of addresses) check(address, trusted);
      } catch (reason) {
        callback(reason instanceof Error ? reason : new Error(String(reason)), []);
        return;
      }
      const [first] = addresses;
      if (options.all === true || first === undefined) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function check(address: string, trusted: boolean): void {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (LINK_LOCAL.check(address, family)) {
    throw new FeedError('leads to a link-local address, which is never asked', 'lasting');
  }
  if (!trusted && INSIDE.check(address, family)) {
    throw new FeedError('redirects to another host whose address is not public', 'lasting');
  }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
