import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';
import { regionMistakes, regionOf } from './check-regions';
import { together } from './warnings';
import type { StageFindings, StageWarning } from './warnings';

/** Rules between the values of the network, of TLS and of what stands in a region. */
export function checkNetwork(configuration: StageConfiguration, locate: Locate): StageFindings {
  return together(
    { mistakes: addressMistakes(configuration, locate) },
    { mistakes: rangeMistakes(configuration, locate) },
    { mistakes: gatewayMistakes(configuration, locate) },
    { mistakes: zoneMistakes(configuration, locate) },
    { mistakes: existingMistakes(configuration, locate) },
    { mistakes: tlsMistakes(configuration, locate) },
    { mistakes: regionMistakes(configuration, locate) },
    { warnings: tlsWarnings(configuration) },
  );
}

function addressMistakes({ network, allowedCidrs }: StageConfiguration, locate: Locate): string[] {
  const ranges = [
    ...('existing' in network ? [] : [{ at: ['network', 'cidr'], range: network.cidr }]),
    ...allowedCidrs.map((range, index) => ({ at: ['allowedCidrs', String(index)], range })),
  ];
  return ranges.flatMap(({ at, range }) => {
    const proper = properRange(range);
    if (proper === range) return [];
    const mend = proper === undefined ? 'correct its numbers' : `write "${proper}"`;
    return [`${locate(...at)} is "${range}"; allowed is an IPv4 range that begins at its first address: ${mend}.`];
  });
}

/**
 * Sources: VPC user guide, "VPC CIDR blocks", which recommends the ranges of RFC 1918 and names that of RFC 6598; 172.17.0.0/16 is that of Docker's
 * own bridge on each instance, so that containers would not reach what has an address there.
 */
function rangeMistakes({ network }: StageConfiguration, locate: Locate): string[] {
  if ('existing' in network || properRange(network.cidr) !== network.cidr) return [];
  const { cidr } = network;
  const isPrivate = /^(10\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.)/.test(cidr);
  if (isPrivate && !cidr.startsWith('172.17.')) return [];
  const why = isPrivate ? "where Docker's own network on the instances is" : 'which is not a private range';
  return [
    `${locate('network', 'cidr')} is "${cidr}", ${why}; allowed are ranges in 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12 but for 172.17.0.0/16, and 192.168.0.0/16: take one that nothing else that you reach has.`,
  ];
}

/** The range with the bits behind its prefix cleared; undefined if it is none. */
function properRange(range: string): string | undefined {
  const [address = '', prefix = ''] = range.split('/');
  const octets = address.split('.').map(Number);
  const bits = Number(prefix);
  if (octets.length !== 4 || octets.some((octet) => octet > 255) || bits > 32) return undefined;
  const value = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const first = value - (value % 2 ** (32 - bits));
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${parts.join('.')}/${bits}`;
}

function gatewayMistakes({ network, fleet }: StageConfiguration, locate: Locate): string[] {
  if ('existing' in network) return [];
  const { natGateways, availabilityZones } = network;
  return [
    ...(natGateways > availabilityZones
      ? [
          `${locate('network', 'natGateways')} is ${natGateways} with availabilityZones ${availabilityZones}; allowed is at most one a zone: lower it to ${availabilityZones}.`,
        ]
      : []),
    ...(natGateways === 0 && fleet.networkMode === 'awsvpc'
      ? [
          `${locate('fleet', 'networkMode')} is "awsvpc" with natGateways 0; allowed is awsvpc only with NAT, because interfaces of tasks on EC2 get no public address: set natGateways to 1, or networkMode 'bridge'.`,
        ]
      : []),
  ];
}

function zoneMistakes({ network, region }: StageConfiguration, locate: Locate): string[] {
  if ('existing' in network || network.zoneNames === undefined) return [];
  const { zoneNames, availabilityZones } = network;
  const at = locate('network', 'zoneNames');
  return [
    ...(zoneNames.length === availabilityZones
      ? []
      : [
          `${at} has ${zoneNames.length} zones with availabilityZones ${availabilityZones}; allowed are as many as that: name ${availabilityZones}, or change availabilityZones.`,
        ]),
    ...(new Set(zoneNames).size < zoneNames.length
      ? [`${at} names one twice; allowed is each once: remove the second.`]
      : []),
    ...zoneNames
      .filter((zone) => !isZoneOf(region, zone))
      .map((zone) => `${at} has "${zone}"; allowed are zones of the stage's region, ${region}: correct one of them.`),
  ];
}

function isZoneOf(region: string, zone: string): boolean {
  return zone.slice(0, -1) === region;
}

function existingMistakes({ network, region }: StageConfiguration, locate: Locate): string[] {
  if (!('existing' in network)) return [];
  const { availabilityZones, publicSubnetIds, privateSubnetIds } = network.existing;
  const lists = { publicSubnetIds, privateSubnetIds };
  const lengths = Object.entries(lists)
    .filter(([, ids]) => ids.length !== availabilityZones.length)
    .map(
      ([key, ids]) =>
        `${locate('network', 'existing', key)} has ${ids.length} subnets for ${availabilityZones.length} availabilityZones; allowed is one a zone, in their order: name ${availabilityZones.length}.`,
    );
  const twice = Object.entries({ availabilityZones, ...lists })
    .filter(([, values]) => new Set(values).size < values.length)
    .map(([key]) => `${locate('network', 'existing', key)} names one twice; allowed is each once: remove the second.`);
  const elsewhere = availabilityZones
    .filter((zone) => !isZoneOf(region, zone))
    .map(
      (zone) =>
        `${locate('network', 'existing', 'availabilityZones')} has "${zone}"; allowed are zones of the stage's region, ${region}: correct one of them.`,
    );
  const both = privateSubnetIds
    .filter((id) => publicSubnetIds.includes(id))
    .map(
      (id) =>
        `${locate('network', 'existing', 'privateSubnetIds')} has "${id}", which publicSubnetIds has too; allowed is a subnet in one of them, because its route goes to NAT or to the internet gateway: replace it in one.`,
    );
  return [...lengths, ...twice, ...new Set(both), ...elsewhere];
}

function tlsMistakes({ tls, region }: StageConfiguration, locate: Locate): string[] {
  if (tls === undefined || 'httpOnly' in tls) return [];
  if ('certificateArn' in tls) {
    const of = regionOf(tls.certificateArn);
    return of === region
      ? []
      : [
          `${locate('tls', 'certificateArn')} is of ${of}; allowed is a certificate of the stage's region, ${region}: ask ACM for one there.`,
        ];
  }
  const { name, hostedZoneName } = tls.domain;
  return name === hostedZoneName || name.endsWith(`.${hostedZoneName}`)
    ? []
    : [
        `${locate('tls', 'domain', 'name')} is "${name}"; allowed is "${hostedZoneName}" or a name below it, because its record goes into that zone: correct one of them.`,
      ];
}

function tlsWarnings({ tls }: StageConfiguration): StageWarning[] {
  return tls === undefined
    ? [
        {
          id: 'holdfast:http-only',
          text: 'The load balancer answers without TLS, so passwords and cookies go over the network in the clear; set tls.domain or tls.certificateArn, or say why in tls.httpOnly.',
        },
      ]
    : [];
}
