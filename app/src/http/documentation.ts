import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { App } from './app';

const DESCRIPTION =
  'Accepts work over HTTP and gets it done, whatever dies. Answers other than success are problems as of RFC 9457.';

/** Describes every route that is registered after it as OpenAPI 3.1: `/docs` for people, `/docs/json` for programs. */
export async function documentApi(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Holdfast', version: '0.1.0', description: DESCRIPTION },
      components: {
        securitySchemes: {
          administration: { type: 'http', scheme: 'bearer', description: 'The token of the variable ADMIN_TOKEN.' },
        },
      },
      tags: [
        { name: 'screenings', description: 'What the library shows, and when.' },
        { name: 'news', description: 'What the feeds that the library follows brought.' },
        { name: 'contacts', description: 'Addresses of readers, each proved by a code.' },
        { name: 'films', description: 'The film catalogue.' },
        { name: 'imports', description: 'Files of films, imported by a task.' },
        { name: 'tasks', description: 'What became of accepted work.' },
        { name: 'queues', description: 'Queues and workers now.' },
        { name: 'schedules', description: 'What is accepted again and again.' },
        { name: 'probes', description: 'Tasks for load tests and drills.' },
        { name: 'health', description: 'For load balancers.' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withoutInputs(jsonSchemaTransformObject(document)),
  });
  await app.register(swaggerUi, { routePrefix: '/docs', theme: { title: 'Holdfast API' } });
}

type Document = ReturnType<typeof jsonSchemaTransformObject>;

/** Every named schema comes twice, as input and as output; only answers refer to schemas by name. */
function withoutInputs(document: Document): Document {
  if (!('components' in document)) return document;
  const schemas = Object.entries(document.components.schemas ?? {}).filter(([name]) => !name.endsWith('Input'));
  return { ...document, components: { ...document.components, schemas: Object.fromEntries(schemas) } } as Document;
}
