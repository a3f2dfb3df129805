import { freePort } from '../../../app/local/servers/free-port';
import { Link } from './link';

/** The network between one process and the servers. */
export interface Links {
  readonly postgres: Link;
  readonly queue: Link;
  readonly cache: Link;
}

/** Where each server listens. */
type ServerPorts = Readonly<Record<keyof Links, number>>;

/** One process's own. */
export interface Place {
  readonly links: Links;
  readonly port: number;
  readonly metricsPort: number;
}

/** The ports of the app's processes, and the network between each of them and each server. */
export class Network {
  /** @param names of the processes; those that serve nothing have ports all the same */
  static async between(names: readonly string[], servers: ServerPorts): Promise<Network> {
    const ports = await freePorts(2 * names.length);
    const places = new Map<string, Place>();
    for (const name of names) {
      const links = {
        postgres: await Link.to(servers.postgres),
        queue: await Link.to(servers.queue),
        cache: await Link.to(servers.cache),
      };
      places.set(name, { links, port: ports.pop() ?? 0, metricsPort: ports.pop() ?? 0 });
    }
    return new Network(places);
  }

  private constructor(private readonly places: ReadonlyMap<string, Place>) {}

  /** The processes of a kind, such as `web`, in the order of their numbers. */
  named(kind: string): string[] {
    return [...this.places.keys()].filter((name) => name.startsWith(`${kind}-`));
  }

  /** Of a process. @throws Error when there is none of this name */
  place(process: string): Place {
    const place = this.places.get(process);
    if (place === undefined) throw new Error(`the system has no ${process}`);
    return place;
  }

  /** Makes it whole, whatever was done to it. */
  heal(): void {
    for (const link of this.links()) link.heal();
  }

  async close(): Promise<void> {
    await Promise.all(this.links().map((link) => link.close()));
  }

  private links(): Link[] {
    return [...this.places.values()].flatMap(({ links }) => Object.values(links) as Link[]);
  }
}

/** Ports that are free and differ. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
