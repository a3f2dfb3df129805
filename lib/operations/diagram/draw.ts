import type { DeploymentModel, RedisModel, ServiceModel } from './model';
import { Picture } from './svg';
import type { Box } from './svg';

/** Two zones side by side; a deployment over three is not drawn. */
const ZONES = [
  { x: 178, width: 316 },
  { x: 514, width: 316 },
] as const;
const VPC: Box = { x: 158, y: 112, width: 692, height: 762 };
const SIDE = { x: 880, width: 244 } as const;
/** The gap between the zones, where arrows cross nothing. */
const MIDDLE = 504;
const INSTANCES_TOP = 346;
const DATA_TOP = 620;

/** Draws a deployment; the same model gives the same text. */
export function draw(model: DeploymentModel): string {
  if (model.zones !== ZONES.length)
    throw new Error(`the picture has ${ZONES.length} zones, the network ${model.zones}`);
  const picture = new Picture(1160, 898, `${model.name} ${model.stage}`, describe(model));
  drawHeader(picture, model);
  drawNetwork(picture, model);
  drawEntrance(picture, model);
  drawFleet(picture, model);
  drawData(picture, model);
  drawSide(picture, model);
  return picture.toString();
}

function describe({ loadBalancer, services, database, queue, fleet }: DeploymentModel): string {
  return [
    `A load balancer (${loadBalancer.listens}) in front of ${services.map(({ name }) => name).join(', ')} on ${range(fleet)} EC2 instances`,
    `in two availability zones; ${database.engine}${database.multiAz ? ' with a standby' : ''},`,
    `${queue.engine} as queue with ${count(queue.replicas, 'replica')}, a cache, S3, secrets and alarms.`,
  ].join(' ');
}

function drawHeader(picture: Picture, { name, stage, region, stackNames }: DeploymentModel): void {
  picture.text(`${name} ${stage}`, { x: 24, y: 44 }, 'title', 500);
  picture.text(`${region}, drawn from the two templates`, { x: 24, y: 74 }, 'detail', 500);
  const legend = [
    ['kept', 'kept', stackNames.stateful],
    ['replaceable', 'replaced freely', stackNames.stateless],
  ] as const;
  legend.forEach(([role, word, stack], index) => {
    const y = 22 + index * 34;
    picture.box({ x: 660, y, width: 34, height: 24 }, role);
    picture.text(`${word}: stack ${stack}`, { x: 706, y: y + 18 }, 'detail', 440);
  });
}

function drawNetwork(picture: Picture, model: DeploymentModel): void {
  picture.box(VPC, 'kept', 'frame');
  picture.text(`VPC ${model.cidr}`, { x: VPC.x + 20, y: VPC.y + 26 }, 'heading', 300);
  ZONES.forEach(({ x, width }, index) => {
    picture.box({ x, y: 150, width, height: 708 }, 'zone', 'frame');
    for (const y of [306, 584]) picture.rule({ x, y }, width);
    const label = (text: string, y: number): void =>
      index === 0
        ? picture.text(text, { x: x + 12, y }, 'detail', 290)
        : picture.text(text, { x: x + width - 12, y }, 'detail', 290, 'end');
    label(`zone ${index + 1}, public ${model.publicSubnets[index] ?? ''}`, 174);
    label(`private ${model.privateSubnets[index] ?? ''}`, 330);
    label(`data ${model.dataSubnets[index] ?? ''}`, 607);
  });
}

function drawEntrance(picture: Picture, model: DeploymentModel): void {
  const caller: Box = { x: 24, y: 190, width: 104, height: 56 };
  const balancer: Box = { x: 194, y: 188, width: 620, height: 60 };
  picture.labelled(caller, 'outside', ['callers']);
  picture.labelled(balancer, 'replaceable', ['Application Load Balancer', model.loadBalancer.listens]);
  picture.arrow([
    { x: caller.x + caller.width, y: 218 },
    { x: balancer.x, y: 218 },
  ]);
  picture.arrow([
    { x: MIDDLE, y: 248 },
    { x: MIDDLE, y: INSTANCES_TOP },
  ]);
  picture.text('requests, to web only', { x: MIDDLE + 16, y: 285 }, 'detail', 280);
  model.natZones.forEach((zone) => {
    const { x, width } = zoneOf(zone);
    picture.labelled({ x: x + 16, y: 262, width: width - 172, height: 36 }, 'kept', ['NAT gateway']);
  });
}

function drawFleet(picture: Picture, model: DeploymentModel): void {
  const { fleet } = model;
  const group: Box = { x: 186, y: INSTANCES_TOP, width: 636, height: 226 };
  picture.box(group, 'replaceable', 'deep');
  picture.text(
    `Auto Scaling group, ECS: ${range(fleet)} × ${fleet.instanceType} (${fleet.architecture})`,
    { x: group.x + 16, y: group.y + 28 },
    'heading',
    group.width - 24,
  );
  ZONES.forEach(({ x, width }, zone) => {
    const instance: Box = { x: x + 20, y: INSTANCES_TOP + 44, width: width - 40, height: 168 };
    picture.box(instance, 'replaceable');
    picture.text('EC2 instance', { x: instance.x + 12, y: instance.y + 22 }, 'detail', 100);
    const containers = placed(model.services, zone);
    const columns = 2;
    containers.forEach((service, index) => {
      const chip = chipBox(instance, index, columns);
      picture.box(chip, 'replaceable', 'deep');
      picture.lines(chip, service.name, [
        service.min === service.max ? `always ${service.min}` : `${range(service)} in all`,
      ]);
    });
    if (zone === ZONES.length - 1 && model.migration) {
      const chip = chipBox(instance, containers.length, columns);
      picture.box(chip, 'replaceable', 'deep', 'once');
      picture.lines(chip, 'migration', ['before rollout']);
    }
  });
}

/** Containers are spread over the zones: the first of each service here, the second there. */
function placed(services: readonly ServiceModel[], zone: number): readonly ServiceModel[] {
  return services.filter(({ min }) => min > zone);
}

function chipBox(instance: Box, index: number, columns: number): Box {
  const gap = 10;
  const width = (instance.width - 20 - gap * (columns - 1)) / columns;
  const column = index % columns;
  const row = Math.floor(index / columns);
  return { x: instance.x + 10 + column * (width + gap), y: instance.y + 32 + row * 66, width, height: 58 };
}

function drawData(picture: Picture, { database, queue, cache }: DeploymentModel): void {
  picture.arrow(
    [
      { x: MIDDLE, y: INSTANCES_TOP + 226 },
      { x: MIDDLE, y: DATA_TOP },
    ],
    'both',
  );
  picture.text('the ledger: rows', { x: MIDDLE - 14, y: 607 }, 'detail', 130, 'end');
  picture.text('the queue: ids', { x: MIDDLE + 16, y: 607 }, 'detail', 130);
  drawPair(
    picture,
    DATA_TOP,
    [database.engine, `${database.instanceClass}, ${database.storageGiB} GiB`],
    database.multiAz ? ['standby, synchronous', 'takes over by itself'] : undefined,
  );
  drawPair(
    picture,
    DATA_TOP + 78,
    [`queue: ${queue.engine}`, `${queue.nodeType}, ${queue.evictionPolicy}`],
    queue.replicas > 0 ? [`${count(queue.replicas, 'replica')}, asynchronous`, 'takes over by itself'] : undefined,
  );
  drawCache(picture, cache);
}

type Label = readonly [string, ...string[]];

/** A server, and in the other zone the one that follows it. */
function drawPair(picture: Picture, y: number, first: Label, second: Label | undefined): void {
  const boxIn = (zone: number): Box => {
    const { x, width } = zoneOf(zone);
    return { x: x + 20, y, width: width - 40, height: 64 };
  };
  const [left, right] = [boxIn(0), boxIn(1)];
  picture.labelled(left, 'kept', first);
  if (second === undefined) return;
  picture.labelled(right, 'kept', second);
  picture.arrow([
    { x: left.x + left.width, y: y + 32 },
    { x: right.x, y: y + 32 },
  ]);
}

/** ElastiCache chooses the zone of a single node, so it stands across both. */
function drawCache(picture: Picture, cache: RedisModel | undefined): void {
  if (cache === undefined) return;
  picture.labelled({ x: 334, y: DATA_TOP + 156, width: 340, height: 64 }, 'kept', [
    `cache: ${cache.engine}`,
    `${cache.nodeType}, ${cache.evictionPolicy}`,
  ]);
}

function drawSide(picture: Picture, model: DeploymentModel): void {
  const { secrets, parameters, alarms, subscriptions, dashboards, logRetentionDays, uploads } = model;
  const side = (y: number, height = 64): Box => ({ ...SIDE, y, height });
  const topic = side(188, 60);
  const ofData = side(282);
  const ofServices = side(374);
  picture.labelled(topic, 'kept', ['SNS topic', subscriptions > 0 ? `e-mail to ${subscriptions}` : 'to alarms.emails']);
  picture.labelled(ofData, 'kept', [count(alarms.stateful, 'alarm'), 'on what is kept']);
  picture.labelled(ofServices, 'replaceable', [
    count(alarms.stateless, 'alarm'),
    dashboards > 0 ? `on the rest, ${count(dashboards, 'dashboard')}` : 'on the rest',
  ]);
  const [middle, right] = [SIDE.x + SIDE.width / 2, SIDE.x + SIDE.width];
  picture.arrow([
    { x: middle, y: ofData.y },
    { x: middle, y: topic.y + topic.height },
  ]);
  picture.arrow([
    { x: right, y: ofServices.y + 32 },
    { x: right + 20, y: ofServices.y + 32 },
    { x: right + 20, y: topic.y + 30 },
    { x: right, y: topic.y + 30 },
  ]);
  picture.labelled(side(508), 'replaceable', ['CloudWatch Logs', `kept ${logRetentionDays} days`]);
  picture.labelled(side(DATA_TOP + 156), 'kept', [count(parameters, 'SSM parameter'), "the stacks' only link"]);
  picture.labelled(side(DATA_TOP), 'kept', ['S3: uploads', uploads]);
  picture.labelled(side(DATA_TOP + 78), 'kept', ['Secrets Manager', count(secrets, 'secret')]);
}

function zoneOf(index: number): { readonly x: number; readonly width: number } {
  const zone = ZONES[index];
  if (zone === undefined) throw new Error(`there is no zone ${index} in the picture`);
  return zone;
}

function range({ min, max }: { readonly min: number; readonly max: number }): string {
  return min === max ? `${min}` : `${min} to ${max}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
