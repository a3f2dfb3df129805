import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A feed of which every document is another one. */
export class FeedServer {
  private documents = 0;

  static async start(): Promise<FeedServer> {
    const feed = new FeedServer();
    await once(feed.server.listen(0, '127.0.0.1'), 'listening');
    return feed;
  }

  private readonly server: Server = createServer((_, response) => {
    this.documents += 1;
    response.writeHead(200, { 'content-type': 'application/rss+xml' });
    response.end(
      `<?xml version="1.0"?><rss version="2.0"><channel><title>Test</title><link>http://localhost/</link>
       <description>Test</description><item><title>Item ${this.documents}</title>
       <guid isPermaLink="false">item-${this.documents}</guid></item></channel></rss>`,
    );
  });

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/feed`;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
